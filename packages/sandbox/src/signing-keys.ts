import { createPublicKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import type { JWK } from 'jose'
import type { ProviderKey } from './scenarios/scenario.ts'

export interface SigningKeys {
  current(): ProviderKey
  /** What the `jwks_uri` of the provider answers. */
  published(): { readonly keys: readonly JWK[] }
  /** From then on there is a new key, and only that. */
  rotate(): Promise<void>
}

const generate = promisify(generateKeyPair)

export function createSigningKeys(first: ProviderKey): SigningKeys {
  let signingKey = first
  return {
    current: () => signingKey,
    published() {
      const { alg, kid, key } = signingKey
      return { keys: [{ ...(createPublicKey(key).export({ format: 'jwk' }) as JWK), alg, use: 'sig', kid }] }
    },
    async rotate() {
      const { alg } = signingKey
      signingKey = { alg, kid: randomUUID(), key: await generateKey(alg) }
    },
  }
}

async function generateKey(alg: ProviderKey['alg']): Promise<KeyObject> {
  const pair = alg === 'ES256' ? generate('ec', { namedCurve: 'P-256' }) : generate('rsa', { modulusLength: 2048 })
  return (await pair).privateKey
}
