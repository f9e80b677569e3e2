import { readSecretFile } from '@nokkel/server/node'
import { TokenError } from './token-error.ts'

/** Where the key that opens the keyring is. */
export interface TokenSettings {
  /** The PKCS#11 library of the hardware module. */
  readonly module: string
  readonly tokenLabel: string
  readonly keyLabel: string
  readonly pin: string
}

type Environment = Record<string, string | undefined>

/**
 * Reads `PKCS11_MODULE`, `PKCS11_TOKEN`, `PKCS11_KEY` (default `nokkel`), and the PIN from `PKCS11_PIN_FILE` or
 * `PKCS11_PIN`. The PIN is removed from `environment`.
 *
 * @throws {TokenError} One is missing.
 */
export async function readTokenSettings(environment: Environment): Promise<TokenSettings> {
  const pin = await readPin(environment)
  return {
    module: need(environment, 'PKCS11_MODULE', 'it is the library of the hardware module, such as libsofthsm2.so'),
    tokenLabel: need(environment, 'PKCS11_TOKEN', 'it is the label of the token'),
    keyLabel: environment.PKCS11_KEY || 'nokkel',
    pin,
  }
}

/** Where the wrapped keyring is. */
export const readKeyringPath = (environment: Environment): string =>
  need(environment, 'PKCS11_KEYRING_FILE', 'it is the file that nokkel-pkcs11 wrap made')

async function readPin(environment: Environment): Promise<string> {
  const { PKCS11_PIN: pin, PKCS11_PIN_FILE: file } = environment
  delete environment.PKCS11_PIN
  if (pin) return pin
  if (!file) throw new TokenError('Set PKCS11_PIN_FILE to a file with the PIN of the token, or PKCS11_PIN.')
  const text = (await readSecretFile(file)).toString('utf8').trim()
  if (text === '') throw new TokenError(`${file} is empty; it holds the PIN of the token.`)
  return text
}

function need(environment: Environment, name: string, meaning: string): string {
  const value = environment[name]
  if (!value) throw new TokenError(`${name} is not set; ${meaning}.`)
  return value
}
