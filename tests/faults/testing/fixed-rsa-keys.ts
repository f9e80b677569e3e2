import { decodeBase64 } from '@nokkel/crypto'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'

let next = 0

/** Where RSA keys are made in this process, gives those made beforehand, one after the other: making one takes seconds. */
export function useFixedRsaKeys(): void {
  const { subtle } = crypto
  const generateKey = subtle.generateKey.bind(subtle)
  subtle.generateKey = (async (...parameters: Parameters<SubtleCrypto['generateKey']>) => {
    const [algorithm, extractable] = parameters
    if (typeof algorithm === 'string' || algorithm.name !== 'RSA-OAEP') return generateKey(...parameters)
    const bytes = decodeBase64(testPrivateKeys[next++ % testPrivateKeys.length] ?? '')
    const imported = { name: 'RSA-OAEP', hash: 'SHA-256' }
    return { privateKey: await subtle.importKey('pkcs8', bytes, imported, extractable, ['decrypt']) }
  }) as typeof generateKey
}
