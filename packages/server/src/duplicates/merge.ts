import type { AnswerOf, Duplicate, previewMerge as previewOperation } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { type DuplicatesDependencies, readDuplicate } from './list-duplicates.ts'
import { rebind } from './rebind.ts'
import { dismissRow, mergeRows, previewRows, selectMergeMaterial, undoRows } from './store.ts'

/** What the database refuses is recorded here; what it allows it records itself. */
function decide<T>(
  { database }: DuplicatesDependencies,
  caller: Caller,
  action: 'preview' | 'merge' | 'undo' | 'dismiss',
  duplicate: string,
  work: () => Promise<T>,
): Promise<T> {
  return recordRefusal(database, caller, { action: `duplicate.${action}`, type: 'duplicate', id: duplicate }, work)
}

/**
 * What a merge would do, found by doing it and letting nothing of it stand.
 *
 * @throws {ServerError} As {@link mergeAccounts}.
 */
export async function previewMerge(
  dependencies: DuplicatesDependencies,
  caller: Caller,
  duplicate: string,
  survivor: string,
): Promise<AnswerOf<typeof previewOperation>> {
  const { effects, digest } = await decide(dependencies, caller, 'preview', duplicate, () =>
    previewRows(dependencies.database, caller, duplicate, survivor),
  )
  return { effects, digest: encodeBase64Url(new Uint8Array(digest)) }
}

/**
 * Merges two accounts into one of them, all of it or nothing.
 *
 * @param request.survivor - The account that is kept: one of the two.
 * @param request.digest - Of the preview.
 * @throws {ServerError} `forbidden`, `not_found`; `login_too_old`: the administrator logged in more than five minutes ago;
 *   `duplicate_settled`; `merge_not_allowed`: an account is one's own, or the evidence does not suffice for the other
 *   organisations it is in; `merge_different_people`; `merge_changed`: it is not what was previewed; `key_not_adopted`; `openers_missing`: bids would lie with one person alone.
 */
export async function mergeAccounts(
  dependencies: DuplicatesDependencies,
  caller: Caller,
  duplicate: string,
  request: { readonly survivor: string; readonly digest: string },
): Promise<Duplicate> {
  const { database, keyring } = dependencies
  const { survivor } = request
  const digest = decodeBase64Url(request.digest)
  await decide(dependencies, caller, 'merge', duplicate, async () => {
    const material = await selectMergeMaterial(database, caller, duplicate, survivor)
    const rebound = await rebind(keyring, material, survivor)
    await mergeRows(database, caller, { duplicate, survivor, digest }, rebound)
  })
  return readDuplicate(dependencies, caller.claims, duplicate)
}

/**
 * Puts back what a merge moved; of a pair that was dismissed, says that it is open again.
 *
 * @throws {ServerError} `forbidden`, `not_found`, `login_too_old`; `merge_not_undoable`: too late, or it cannot be told apart
 *   any more.
 */
export async function undoMerge(
  dependencies: DuplicatesDependencies,
  caller: Caller,
  duplicate: string,
): Promise<Duplicate> {
  await decide(dependencies, caller, 'undo', duplicate, () => undoRows(dependencies.database, caller, duplicate))
  return readDuplicate(dependencies, caller.claims, duplicate)
}

/**
 * Says that they are two people.
 *
 * @throws {ServerError} `forbidden`, `not_found`, `duplicate_settled`; `merge_not_allowed`: an account is one's own.
 */
export async function dismissDuplicate(
  dependencies: DuplicatesDependencies,
  caller: Caller,
  duplicate: string,
): Promise<Duplicate> {
  await decide(dependencies, caller, 'dismiss', duplicate, () => dismissRow(dependencies.database, caller, duplicate))
  return readDuplicate(dependencies, caller.claims, duplicate)
}
