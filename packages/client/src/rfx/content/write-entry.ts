import { decodeBase64Url, type RfxEntryKind } from '@nokkel/crypto'
import { codeOf, type NokkelErrorCode } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import { currentAfter, type ListedEntry, type RfxLog } from './rfx-log.ts'
import { sealEntry } from './seal-entry.ts'

/** What to write next, once it is known what was written before. */
export interface EntryDraft {
  readonly kind: RfxEntryKind
  readonly object: string
  readonly revision: number
  readonly plaintext: Uint8Array | null
  readonly blobs?: readonly string[]
}

const attemptLimit = 5
const stale: readonly (NokkelErrorCode | undefined)[] = ['sequence_stale', 'version_stale', 'rekey_pending']

/**
 * Writes the next entry. When somebody else wrote first, or the key got a new version, it is drawn up and sealed again
 * for the new place; `draft` may give `undefined` when there is nothing left to write.
 */
export function writeEntry<D extends EntryDraft | undefined>(
  opened: OpenedRfx,
  log: RfxLog,
  draft: (newest: ListedEntry) => Promise<D>,
): Promise<ListedEntry | (undefined extends D ? undefined : never)> {
  return opened.lock.run(`rfx-write.${opened.id}`, async () => {
    for (let attempt = 1; ; attempt++) {
      const newest = await log.update()
      const entry = await draft(newest)
      if (!entry) return undefined as undefined extends D ? undefined : never
      try {
        return await write(opened, log, newest, entry)
      } catch (error) {
        const code = codeOf(error)
        if (!stale.includes(code) || attempt === attemptLimit) throw error
        if (code !== 'sequence_stale') await opened.refresh()
      }
    }
  })
}

async function write(opened: OpenedRfx, log: RfxLog, newest: ListedEntry, entry: EntryDraft): Promise<ListedEntry> {
  const { id, organizationId, call, now } = opened
  const { kind, object, revision, plaintext, blobs } = entry
  const { version, key } = await opened.key()
  const sequence = newest.sequence + 1
  const current = currentAfter({ kind, sequence }, newest.current)
  const sealing = {
    organizationId,
    rfxId: id,
    sequence,
    kind,
    object,
    revision,
    previous: decodeBase64Url(newest.digest),
    current,
    plaintext,
    key,
    version,
    author: await opened.author(),
    now,
  }
  const { body, digest } = await sealEntry(sealing, blobs)
  return log.append(await call('addRfxEntry', { params: { id }, body }), digest)
}
