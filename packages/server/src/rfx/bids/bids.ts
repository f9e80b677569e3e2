import type {
  AnswerOf,
  beginBid as beginOperation,
  listBids as listOperation,
  moveBidKey as moveOperation,
  ParsedOf,
  RfxBid,
  releaseBidPart as releaseOperation,
  submitBid as submitOperation,
} from '@nokkel/contract'
import { calculateThumbprint, type PublicJwk, verifyRfxBid } from '@nokkel/crypto'
import type { Caller } from '../../audit/caller.ts'
import { recordFailures, recordRefusal } from '../../audit/record.ts'
import type { Database, Transaction } from '../../db/database.ts'
import { toServerError } from '../../db/refusal.ts'
import { type Claims, withClaims } from '../../db/with-claims.ts'
import { decode } from '../../http/decode.ts'
import { ServerError } from '../../http/server-error.ts'
import type { Keyring } from '../../keyring/keyring.ts'
import { isMember } from '../content/store.ts'
import { requireOwnDevice, requireOwnSigner } from '../device.ts'
import { verifiedRevision } from '../statement.ts'
import { openPart, wrapNewPart } from './server-part.ts'
import { insertBid, releasePart, selectBids, updateBid, updateOwnKey, withdrawBid } from './store.ts'

export interface BidsDependencies {
  readonly database: Database
  readonly keyring: Keyring
}

/** A bid, as the path of an operation names it. */
export interface BidPath {
  readonly id: string
  readonly bidId: string
}

/** The database decides and records what it allows; what it refuses is recorded here. */
async function change<T>(
  database: Database,
  caller: Caller,
  { action, id }: { readonly action: string; readonly id: string },
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return recordRefusal(database, caller, { action, type: 'rfx_bid', id }, () =>
    withClaims(database, caller.claims, work),
  )
}

/**
 * Begins a bid. Begun before, by whomever in the company, it is that one.
 *
 * @throws {ServerError} `not_found`: not in the project. `forbidden`: not of a company that bids. `rfx_status`.
 * `deadline_passed`. `conflict`: the id stands for something else.
 */
export async function beginBid(
  { database, keyring }: BidsDependencies,
  caller: Caller,
  rfxId: string,
  { bidId, companyId }: ParsedOf<typeof beginOperation>['body'],
): Promise<AnswerOf<typeof beginOperation>> {
  const made = await wrapNewPart(keyring, { bidId, companyId })
  const stored = await change(database, caller, { action: 'rfx_bid.begin', id: bidId }, (transaction) =>
    insertBid(transaction, rfxId, made, made.masterKeyId, caller.requestId),
  )
  return { bidId: stored.bidId, serverPart: await openPart(keyring, stored) }
}

/**
 * Submits a bid in place of the one before. The same again changes nothing.
 *
 * @throws {ServerError} As {@link beginBid}, and `device_required`. `statement_invalid`: what is signed does not fit, not
 * by this device, or sealed to another key. `revision_stale`. `version_stale`. `rekey_pending`. `blob_incomplete`.
 */
export async function submitBid(
  { database }: BidsDependencies,
  caller: Caller,
  { id: rfxId, bidId }: BidPath,
  body: ParsedOf<typeof submitOperation>['body'],
): Promise<RfxBid> {
  const { claims, requestId } = caller
  const { companyId, statement } = body
  const content = decode(body.content, 'content')
  const sealedPart = decode(body.sealedPart, 'sealedPart')
  const ownKey = decode(body.ownKey, 'ownKey')
  return change(database, caller, { action: 'rfx_bid.submit', id: bidId }, async (transaction) => {
    const device = await requireOwnDevice(transaction)
    const ids = { organizationId: claims.organization, rfxId, bidId, companyId }
    const { revision, sealTo, author } = await verifiedRevision(
      verifyRfxBid({ ...ids, statement, content, sealedPart }),
    )
    requireOwnSigner(author, claims, device)
    const signerThumbprint = author.thumbprint
    const bid = { ...body, ...ids, revision, content, sealedPart, ownKey, signerThumbprint }
    const openingKey = await updateBid(transaction, bid, requestId)
    if (openingKey !== null && sealTo !== (await calculateThumbprint(JSON.parse(openingKey) as PublicJwk))) {
      throw new ServerError('statement_invalid', { detail: 'sealTo' })
    }
    return readBid(transaction, rfxId, bidId)
  })
}

async function readBid(transaction: Transaction, rfxId: string, bidId: string): Promise<RfxBid> {
  const [bid] = await selectBids(transaction, rfxId, bidId)
  if (!bid) throw new ServerError('not_found')
  return bid
}

/** @throws {ServerError} As {@link beginBid}. `not_found`: nothing is submitted. */
export async function withdraw(
  { database }: BidsDependencies,
  caller: Caller,
  { id, companyId }: { readonly id: string; readonly companyId: string },
): Promise<void> {
  await change(database, caller, { action: 'rfx_bid.withdraw', id: `${id}/${companyId}` }, (transaction) =>
    withdrawBid(transaction, id, companyId, caller.requestId),
  )
}

/** @throws {ServerError} `not_found`: for whoever is not in the project. */
export async function listBids(
  { database }: BidsDependencies,
  claims: Claims,
  rfxId: string,
): Promise<AnswerOf<typeof listOperation>> {
  return withClaims(database, claims, async (transaction) => {
    if (!(await isMember(transaction, rfxId))) throw new ServerError('not_found')
    return { bids: await selectBids(transaction, rfxId) }
  })
}

/**
 * Gives the server's part of a bid. That it is given is recorded and committed before the part is opened.
 *
 * @throws {ServerError} `not_found`: neither the bidder nor an opener. `deadline_not_passed`: see `data.deadline`.
 */
export async function release(
  { database, keyring }: BidsDependencies,
  caller: Caller,
  { id, bidId }: BidPath,
): Promise<AnswerOf<typeof releaseOperation>> {
  const subject = { action: 'rfx_bid.open', id: bidId }
  const part = await change(database, caller, subject, (transaction) =>
    releasePart(transaction, id, bidId, caller.requestId),
  )
  try {
    return { serverPart: await openPart(keyring, part) }
  } catch (cause) {
    await recordFailures(database, caller, [{ ...subject, type: 'rfx_bid', problem: toServerError(cause).code }])
    throw cause
  }
}

/** @throws {ServerError} `not_found`: for whoever is not of the bidder. `version_stale`. */
export async function moveOwnKey(
  { database }: BidsDependencies,
  caller: Caller,
  { id, bidId }: BidPath,
  body: ParsedOf<typeof moveOperation>['body'],
): Promise<AnswerOf<typeof moveOperation>> {
  const key = { version: body.version, old: decode(body.old, 'old'), new: decode(body.new, 'new') }
  return change(database, caller, { action: 'rfx_bid.rewrap', id: bidId }, async (transaction) => ({
    moved: await updateOwnKey(transaction, { rfxId: id, bidId }, key, caller.requestId),
  }))
}
