import * as contract from '@nokkel/contract'
import { callerOf } from '../../audit/caller.ts'
import type { Api } from '../../http/api.ts'
import { type BidsDependencies, beginBid, listBids, moveOwnKey, release, submitBid, withdraw } from './bids.ts'

export function registerRfxBids(api: Api, dependencies: BidsDependencies): void {
  api.implement(contract.beginBid, (request) =>
    beginBid(dependencies, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.submitBid, (request) =>
    submitBid(dependencies, callerOf(request), request.params, request.body),
  )
  api.implement(contract.withdrawBid, (request) => withdraw(dependencies, callerOf(request), request.params))
  api.implement(contract.listBids, ({ claims, params }) => listBids(dependencies, claims, params.id))
  api.implement(contract.releaseBidPart, (request) => release(dependencies, callerOf(request), request.params))
  api.implement(contract.moveBidKey, (request) =>
    moveOwnKey(dependencies, callerOf(request), request.params, request.body),
  )
}
