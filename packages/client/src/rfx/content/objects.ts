import { NokkelError } from '../../errors.ts'
import type { ListedEntry } from './rfx-log.ts'

/**
 * The last entry of each document, in the order in which they were added.
 *
 * @param entries - The whole log, from the oldest.
 * @throws {NokkelError} `rfx_tampered`: revisions have gaps, or something was written of what was removed.
 */
export function objectsOf(entries: readonly ListedEntry[]): Map<string, ListedEntry> {
  const last = new Map<string, ListedEntry>()
  for (const entry of entries) {
    if (entry.kind !== 'document' && entry.kind !== 'removal') continue
    const before = last.get(entry.object)
    const fits = entry.revision === (before?.revision ?? 0) + 1 && (before ?? entry).kind === 'document'
    if (!fits) throw new NokkelError('rfx_tampered')
    last.set(entry.object, entry)
  }
  return last
}
