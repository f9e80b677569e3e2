import { readFile } from 'node:fs/promises'
import { openWrappedKeyring, type RootKeyProvider } from '@nokkel/server'
import { readKeyringPath, readTokenSettings } from './settings.ts'
import { openToken } from './token.ts'
import { TokenError } from './token-error.ts'
import { findKey } from './token-key.ts'

/**
 * Root keys in a file that only a key in a hardware module opens. For `KEYRING_MODULE` of `nokkel serve`.
 *
 * @param environment - `PKCS11_MODULE`, `PKCS11_TOKEN`, `PKCS11_KEY` (default `nokkel`), `PKCS11_PIN_FILE` or
 *   `PKCS11_PIN`, and `PKCS11_KEYRING_FILE`. The PIN is removed from it.
 * @param report - Told which token opened them. Default: standard error.
 * @throws {TokenError} On loading: a setting is missing, or the token, its PIN or its key is not what it must be.
 */
export function createRootKeys(
  environment: Record<string, string | undefined>,
  report: (line: string) => void = console.error,
): RootKeyProvider {
  const reading = readTokenSettings(environment)
  reading.catch(() => undefined)
  return {
    async load() {
      const settings = await reading
      const path = readKeyringPath(environment)
      const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        throw new TokenError(`PKCS11_KEYRING_FILE ${path} cannot be read: ${cause.code}.`)
      })
      const token = openToken(settings)
      try {
        const keys = await openWrappedKeyring(text, findKey(token, settings.keyLabel))
        report(`The root keys were opened by the token ${JSON.stringify(token.label)}.`)
        return keys
      } finally {
        token.close()
      }
    },
  }
}
