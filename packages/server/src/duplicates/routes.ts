import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import type { Api } from '../http/api.ts'
import { type DuplicatesDependencies, listDuplicates } from './list-duplicates.ts'
import { dismissDuplicate, mergeAccounts, previewMerge, undoMerge } from './merge.ts'

export function registerDuplicates(api: Api, dependencies: DuplicatesDependencies): void {
  api.implement(contract.listDuplicates, ({ claims, query }) => listDuplicates(dependencies, claims, query))
  api.implement(contract.previewMerge, (request) =>
    previewMerge(dependencies, callerOf(request), request.params.id, request.query.survivor),
  )
  api.implement(contract.mergeAccounts, (request) =>
    mergeAccounts(dependencies, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.undoMerge, (request) => undoMerge(dependencies, callerOf(request), request.params.id))
  api.implement(contract.dismissDuplicate, (request) =>
    dismissDuplicate(dependencies, callerOf(request), request.params.id),
  )
}
