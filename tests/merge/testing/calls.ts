import * as contract from '@nokkel/contract'
import type { TestApi } from '../../../tools/testing/api.ts'
import type { Equipped } from '../../../tools/testing/people.ts'
import type { Pair } from './pair.ts'

type By = Pick<Equipped, 'claims'>

/** What an administrator does with a pair. */
export function callsOf(api: TestApi) {
  const preview = (pair: Pair, by: By = pair.administrator, survivor = pair.survivor.id) =>
    api.call(contract.previewMerge, by.claims, { params: { id: pair.duplicate }, query: { survivor } })
  return {
    preview,
    /** As it is previewed now, or as `digest` says. */
    merge: async (pair: Pair, by: By = pair.administrator, digest?: string, survivor = pair.survivor.id) =>
      api.call(contract.mergeAccounts, by.claims, {
        params: { id: pair.duplicate },
        body: { survivor, digest: digest ?? (await preview(pair, pair.administrator, survivor)).body.digest },
      }),
    undo: (pair: Pair, by: By = pair.administrator) =>
      api.call(contract.undoMerge, by.claims, { params: { id: pair.duplicate } }),
    dismiss: (pair: Pair, by: By = pair.administrator) =>
      api.call(contract.dismissDuplicate, by.claims, { params: { id: pair.duplicate } }),
    list: (pair: Pair, query: Record<string, string> = {}, by: By = pair.administrator) =>
      api.call(contract.listDuplicates, by.claims, { query }),
  }
}
