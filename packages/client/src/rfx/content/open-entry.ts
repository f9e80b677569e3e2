import { CryptoError, decodeBase64Url, openRfxEntry, type RfxKey } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import type { LogEntry } from './rfx-log.ts'

/** A content key under a version of the key of the project. */
interface Wrapped {
  readonly version: number
  readonly wrappedKey: string
}

/**
 * Opens a verified entry and reads it.
 *
 * @returns `null` when it does not open, or is not of its kind: its author sealed it wrongly, or a member moved its content key
 * wrongly, and must not take the rest of the project with it.
 * @throws {NokkelError} `rfx_tampered`: it is of a version that is not there.
 */
export async function openReadable<T>(
  opened: OpenedRfx,
  entry: LogEntry,
  parse: (plaintext: Uint8Array) => T,
): Promise<T | null> {
  const { sequence, version, wrappedKey, content } = entry
  if (wrappedKey === null || content === null) throw new NokkelError('rfx_tampered')
  // Somebody made a new version meanwhile.
  if (version > opened.fetched().version) await opened.refresh()
  if (version > opened.fetched().version) throw new NokkelError('rfx_tampered')
  const present = { version, wrappedKey }
  const plaintext =
    (await open(present, opened.keyOf)) ??
    (await openReplaced(opened.keyOf)) ??
    (await open(present, opened.keptKeyOf)) ??
    (await openReplaced(opened.keptKeyOf))
  if (!plaintext) return null
  try {
    return (await ifItFits(() => parse(plaintext))) ?? null
  } finally {
    plaintext.fill(0)
  }

  async function open(wrapped: Wrapped, keyOf: (version: number) => Promise<RfxKey | undefined>) {
    return ifItFits(async () => {
      const key = await keyOf(wrapped.version)
      if (!key) return undefined
      return openRfxEntry({
        rfxId: opened.id,
        sequence,
        version: wrapped.version,
        key,
        wrappedKey: decodeBase64Url(wrapped.wrappedKey),
        content: decodeBase64Url(content as string),
      })
    })
  }

  async function openReplaced(keyOf: (version: number) => Promise<RfxKey | undefined>) {
    const replaced = await replacedOf(opened, entry)
    return replaced && replaced.version <= opened.fetched().version ? open(replaced, keyOf) : undefined
  }
}

/** What stood there before the content key was moved; a list of projects does not say it. */
async function replacedOf({ call, id }: OpenedRfx, { sequence, replaced }: LogEntry): Promise<Wrapped | null> {
  if (replaced !== undefined) return replaced
  return (await call('getRfxEntry', { params: { id, sequence } })).replaced
}

/** What does not open or parse, and what there is no key for, is `undefined`. */
async function ifItFits<T>(step: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await step()
  } catch (error) {
    const isForged = error instanceof CryptoError || error instanceof TypeError || error instanceof RangeError
    if (isForged || codeOf(error) === 'rfx_tampered') return undefined
    throw error
  }
}
