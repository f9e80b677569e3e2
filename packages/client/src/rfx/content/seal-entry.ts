import { encodeBase64Url, type SealRfxEntryOptions, sealRfxEntry } from '@nokkel/crypto'

/** Seals an entry: gives what is sent of it, and what the next one names as `previous`. */
export async function sealEntry(options: SealRfxEntryOptions, blobs: readonly string[] = []) {
  const { sequence, version } = options
  const { wrappedKey, content, statement, digest } = await sealRfxEntry(options)
  const body = {
    sequence,
    version,
    wrappedKey: wrappedKey && encodeBase64Url(wrappedKey),
    content: content && encodeBase64Url(content),
    statement,
    blobs: [...blobs],
  }
  return { body, digest }
}
