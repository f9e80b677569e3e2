import { decodeBase64Url, openRfxEntry } from '@nokkel/crypto'
import { NokkelError } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import { asTampered, type LogEntry } from './rfx-log.ts'

/**
 * Opens a verified entry and reads it.
 *
 * @throws {NokkelError} `rfx_tampered`: it does not open, or is not of its kind.
 */
export async function openEntry<T>(
  opened: OpenedRfx,
  entry: LogEntry,
  parse: (plaintext: Uint8Array) => T,
): Promise<T> {
  const { sequence, version, wrappedKey, content } = entry
  if (wrappedKey === null || content === null) throw new NokkelError('rfx_tampered')
  // Somebody made a new version meanwhile.
  if (version > opened.fetched().version) await opened.refresh()
  if (version > opened.fetched().version) throw new NokkelError('rfx_tampered')
  const key = await opened.keyOf(version)
  return asTampered(async () => {
    const plaintext = await openRfxEntry({
      rfxId: opened.id,
      sequence,
      version,
      key,
      wrappedKey: decodeBase64Url(wrappedKey),
      content: decodeBase64Url(content),
    })
    try {
      return parse(plaintext)
    } finally {
      plaintext.fill(0)
    }
  })
}
