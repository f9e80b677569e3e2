import pkcs11js, { type PKCS11 } from 'pkcs11js'
import type { TokenSettings } from './settings.ts'
import { TokenError } from './token-error.ts'

/** A session with a token, logged in. */
export interface Token {
  readonly label: string
  readonly library: PKCS11
  readonly session: Buffer
  close(): void
}

const pinProblems: Readonly<Record<string, string>> = {
  CKR_PIN_INCORRECT: 'is wrong',
  CKR_PIN_INVALID: 'is wrong',
  CKR_PIN_LEN_RANGE: 'is wrong',
  CKR_PIN_EXPIRED: 'has expired',
  CKR_PIN_LOCKED: 'is locked after too many wrong ones',
}

/**
 * Opens a session with the token of a label and logs in as its user.
 *
 * @throws {TokenError} The library does not load, there is no such token, or the PIN is not accepted.
 */
export function openToken(settings: TokenSettings): Token {
  const library = loadLibrary(settings.module)
  try {
    const slot = findSlot(library, settings.tokenLabel)
    const session = library.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
    logIn(library, session, settings)
    return {
      label: settings.tokenLabel,
      library,
      session,
      close() {
        library.C_CloseSession(session)
        close(library)
      },
    }
  } catch (cause) {
    close(library)
    throw toTokenError(cause, settings.tokenLabel)
  }
}

/** What a failure of the module is to people: its PKCS#11 name, and nothing it was given. */
export function toTokenError(cause: unknown, tokenLabel: string): Error {
  if (cause instanceof TokenError) return cause
  return new TokenError(`The token ${JSON.stringify(tokenLabel)} refused: ${resultOf(cause)}.`)
}

function loadLibrary(path: string): PKCS11 {
  const library = new pkcs11js.PKCS11()
  try {
    library.load(path)
    library.C_Initialize()
    return library
  } catch (cause) {
    const why = cause instanceof pkcs11js.Pkcs11Error ? resultOf(cause) : 'it is missing, or no PKCS#11 library'
    throw new TokenError(`PKCS11_MODULE ${path} cannot be loaded: ${why}.`)
  }
}

function findSlot(library: PKCS11, label: string): Buffer {
  const slots = library
    .C_GetSlotList(true)
    .map((slot) => ({ slot, label: library.C_GetTokenInfo(slot).label.replace(/[\s\0]+$/, '') }))
  const found = slots.filter((each) => each.label === label)
  if (found.length > 1) throw new TokenError(`There are ${found.length} tokens labelled ${JSON.stringify(label)}.`)
  const [only] = found
  if (only) return only.slot
  const others = slots.flatMap((each) => (each.label ? JSON.stringify(each.label) : []))
  const have = others.length > 0 ? `the module has ${others.join(', ')}` : 'the module has none'
  throw new TokenError(`There is no token labelled ${JSON.stringify(label)}; ${have}.`)
}

function logIn(library: PKCS11, session: Buffer, { pin, tokenLabel }: TokenSettings): void {
  try {
    library.C_Login(session, pkcs11js.CKU_USER, pin)
  } catch (cause) {
    const problem = pinProblems[resultOf(cause)]
    if (!problem) throw cause
    throw new TokenError(`The PIN of the token ${JSON.stringify(tokenLabel)} ${problem}.`)
  }
}

function close(library: PKCS11): void {
  library.C_Finalize()
  library.close()
}

const resultOf = (cause: unknown): string =>
  /CKR_\w+/.exec(String((cause as Error | undefined)?.message))?.[0] ?? 'no reason given'
