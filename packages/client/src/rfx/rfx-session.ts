import type { Rfx as FetchedRfx, Me, RfxGroup } from '@nokkel/contract'
import { deriveOpeningKeyPair } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { createGroupKeys, type VerifiedGroup } from './group-keys.ts'
import type { GroupTools } from './group-tools.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import type { GroupKey, OpenedRfx, RfxAuthor } from './opened-rfx.ts'
import type { OwnThumbprints } from './own-thumbprints.ts'
import { createRfxPins, type SeenGroups } from './pins.ts'
import type { RecipientPins } from './recipient-pins.ts'
import type { RfxDependencies } from './rfx-dependencies.ts'
import { tampered } from './rfx-error.ts'
import { createRfxSigners } from './signers.ts'

export interface SessionDependencies extends RfxDependencies {
  readonly person: Me
  readonly ownThumbprints: OwnThumbprints
  readonly recipientPins: RecipientPins
  readonly wrapper: KeyWrapper
}

export interface SessionEvents {
  /** After it was fetched and its manifest verified. */
  onFetched(fetched: FetchedRfx): void
  /** The server no longer shows it to the person. */
  onDenied(): void
  readonly onRecipients: GroupTools['onRecipients']
  /** Makes what is missing and gives its key. */
  renew(groupId: string): Promise<void>
  createBidderGroup(companyId: string): Promise<VerifiedGroup>
}

/**
 * A project from when it is opened until it is forgotten. The invariant: when it is over, its keys are overwritten and
 * nothing more is sent through its `call`, so that nothing is ever stored that was made with overwritten keys.
 */
export interface RfxSession {
  readonly opened: OpenedRfx
  readonly tools: GroupTools
  readonly call: Call
  isOver(): boolean
  /** Fetches it and verifies its manifest. */
  refresh(): Promise<FetchedRfx>
  /** Takes what an operation answers with, as if it was fetched. */
  take(ask: () => Promise<FetchedRfx>): Promise<FetchedRfx>
  /** The project’s own group, or another one of it; as last fetched, verified. */
  group(groupId?: string): Promise<VerifiedGroup>
  keep(groupId: string, version: number, key: GroupKey['key']): void
  /** Takes a group that an operation answers with. */
  takeGroup(ask: () => Promise<RfxGroup>): Promise<VerifiedGroup>
  /** Takes the present keys as right although the earlier ones do not follow from them. */
  trustKeys(): Promise<void>
  /** Whether the key of a group opens, but not by the chain that its members made. */
  isChainBroken(group: VerifiedGroup): Promise<boolean>
  end(): void
}

export function createRfxSession(dependencies: SessionDependencies, id: string, events: SessionEvents): RfxSession {
  const { person, storage, lock, now, own, userKeys, ownThumbprints, recipientPins, wrapper } = dependencies
  const organizationId = person.organization.id
  const over = new AbortController()
  const pins = createRfxPins({ storage, lock }, person.id, id)
  const signers = createRfxSigners({ call, storage, lock, now, own }, person.id, id)
  const keys = createGroupKeys({
    organizationId,
    userId: person.id,
    // Not those of when the project was opened: the accounts may have been merged since.
    formerIds: async () => (await (call as Call)('getMe', {})).formerIds,
    userKeys,
    own: ownThumbprints,
    pins,
    signers,
  })
  const pairs = new Map<number, Promise<CryptoKeyPair>>()
  /** Wraps that were said to be broken, by group and version. */
  const reported = new Set<string>()
  let last: FetchedRfx | undefined
  /** What this device had seen of the groups when they were asked for. */
  let seen: SeenGroups = {}

  const tools: GroupTools = {
    organizationId,
    userId: person.id,
    call,
    now,
    wrapper,
    recipientPins,
    author,
    fetchGroup,
    ownThumbprint: () => userKeys.getSnapshot().key?.thumbprint,
    onRevision: keys.remember,
    onVersion: keys.keep,
    onRecipients: events.onRecipients,
  }

  const opened: OpenedRfx = {
    id,
    organizationId,
    call,
    storage,
    lock,
    now,
    author,
    fetched,
    refresh,
    async key() {
      if (fetched().rekeyPending) await renewIfAllowed(fetched().groups[0])
      return keyOfGroup(await group())
    },
    keyOf: async (version, groupId = id) => keys.keyOf(await group(groupId), version),
    keptKeyOf: (version) => keys.keptKeyOf(id, version),
    async bidderGroup(companyId) {
      const present = fetched().groups.find((one) => one.kind === 'bidder' && one.companyId === companyId)
      // When nobody has its key any more, and no bid needs it, the server lets it be made anew.
      const isLost = present?.member && present.wrap === null && present.rekeyPending
      if (!present || isLost) return keyOfGroup(await events.createBidderGroup(companyId))
      if (present.rekeyPending) await renewIfAllowed(present)
      return keyOfGroup(await group(present.id))
    },
    async sealTo() {
      const opening = fetched().groups.find(({ kind }) => kind === 'opening')
      if (!opening) throw new NokkelError('openers_missing')
      const { sealTo, isUnproven } = await group(opening.id)
      if (isUnproven) throw new NokkelError('key_unproven')
      if (!sealTo) throw tampered('there is nothing to seal to')
      return { version: opening.version, publicKey: sealTo }
    },
    openingKeyPair(version) {
      const pair = pairs.get(version) ?? deriveOpening(version)
      pairs.set(version, pair)
      pair.catch(() => pairs.delete(version))
      return pair
    },
    opening: () => fetched().groups.find(({ kind, member }) => kind === 'opening' && member),
    requireSigner: (...all) => signers.require(all),
    seenHead: pins.head,
    rememberHead: pins.rememberHead,
  }

  return {
    opened,
    tools,
    call,
    isOver: () => over.signal.aborted,
    refresh,
    take,
    group,
    keep: keys.keep,
    takeGroup,
    isChainBroken: keys.isChainBroken,
    async trustKeys() {
      for (const { id: groupId, member } of (await refresh()).groups) {
        if (member) await keys.trust(await group(groupId))
      }
      await refresh()
    },
    end() {
      over.abort()
      keys.forget()
      pairs.clear()
    },
  }

  // A declaration, because what is above already hands it on.
  async function call(...[endpoint, input, options = {}]: Parameters<Call>): Promise<never> {
    if (over.signal.aborted) throw new NokkelError('cancelled')
    const signal = options.signal ? AbortSignal.any([options.signal, over.signal]) : over.signal
    try {
      return (await dependencies.call(endpoint, input, { ...options, signal })) as never
    } catch (error) {
      // Perhaps the person was removed meanwhile.
      if (isDenial(error) && !over.signal.aborted) {
        if (endpoint === 'getRfx') events.onDenied()
        else void refresh().catch(() => {})
      }
      throw error
    }
  }

  function fetched(): FetchedRfx {
    if (!last) throw new NokkelError('waiting_for_key')
    return last
  }

  async function refresh(): Promise<FetchedRfx> {
    return take(() => (call as Call)('getRfx', { params: { id } }))
  }

  async function take(ask: () => Promise<FetchedRfx>): Promise<FetchedRfx> {
    const seenBefore = await pins.groups()
    const answer = await ask()
    const [project] = answer.groups
    const fits =
      answer.id === id && project?.id === id && project.kind === 'project' && project.version === answer.version
    if (!fits) throw tampered('it is another project')
    if (await reportBroken(await keys.verify(project, seenBefore[id]))) return refresh()
    if (over.signal.aborted) throw new NokkelError('cancelled')
    last = answer
    seen = seenBefore
    events.onFetched(answer)
    return answer
  }

  async function takeGroup(ask: () => Promise<RfxGroup>): Promise<VerifiedGroup> {
    const seenBefore = await pins.groups()
    const answer = await ask()
    const verified = await keys.verify(answer, seenBefore[answer.id])
    if (await reportBroken(verified)) return takeGroup(() => getGroup(answer.id))
    if (last) last = { ...last, groups: last.groups.map((one) => (one.id === answer.id ? answer : one)) }
    return verified
  }

  async function group(groupId = id): Promise<VerifiedGroup> {
    const found = fetched().groups.find((one) => one.id === groupId)
    if (!found) throw new NokkelError('waiting_for_key')
    const verified = await keys.verify(found, seen[groupId])
    return (await reportBroken(verified)) ? takeGroup(() => getGroup(groupId)) : verified
  }

  async function getGroup(groupId: string): Promise<RfxGroup> {
    const answer = await (call as Call)('getRfxGroup', { params: { id: groupId } })
    if (answer.id !== groupId) throw tampered('it is another group')
    return answer
  }

  /** Says once of a wrap of the person’s own that it does not open, so that they get another. Gives whether to ask again. */
  async function reportBroken({ group: { id: groupId, version, wrap }, isBroken }: VerifiedGroup): Promise<boolean> {
    const place = `${groupId}/${version}`
    if (!isBroken || wrap?.via !== 'user' || reported.has(place)) return false
    reported.add(place)
    try {
      await (call as Call)('reportBrokenWrap', { params: { id: groupId }, body: { version } })
    } catch (error) {
      if (codeOf(error) === 'version_stale') return true
      if (!isDenial(error)) reported.delete(place)
      throw error
    }
    return true
  }

  async function fetchGroup(groupId: string) {
    const verified = await takeGroup(() => getGroup(groupId))
    if (!verified.key) throw new NokkelError('waiting_for_key')
    if (verified.isUnproven) throw new NokkelError('key_unproven')
    if (!(await mayWrapVerified(verified))) throw new NokkelError('forbidden')
    return { ...verified, key: verified.key }
  }

  /** Who belongs to a company, only the server says: a supplier is nothing else because of a company alone. */
  async function mayWrapVerified({ group: { kind, member, wrap } }: VerifiedGroup): Promise<boolean> {
    const isOwnRole = kind !== 'project' || wrap?.via === 'user' || !(await pins.isSupplier())
    return isOwnRole && mayWrap({ kind, member, wrap })
  }

  function keyOfGroup({ group: { id: groupId, version }, key, isUnproven }: VerifiedGroup): GroupKey {
    if (!key) throw new NokkelError('waiting_for_key')
    if (isUnproven) throw new NokkelError('key_unproven')
    return { groupId, version, key }
  }

  async function renewIfAllowed(pending: RfxGroup | undefined): Promise<void> {
    if (!pending || !mayWrap(pending)) throw new NokkelError('rekey_pending')
    await events.renew(pending.id)
  }

  async function deriveOpening(version: number): Promise<CryptoKeyPair> {
    const opening = opened.opening()
    if (!opening) throw new NokkelError('forbidden')
    return deriveOpeningKeyPair(await opened.keyOf(version, opening.id))
  }

  async function author(): Promise<RfxAuthor> {
    const { userId, deviceId, keys: device } = await own()
    return { userId, deviceId, signing: device.signing }
  }
}

/**
 * Buyers and developers wrap the key of the project, members that of a smaller group; who has the key themselves. What they are
 * stands in their leaf of the signed list: the server could say anything.
 */
export function mayWrap({ kind, member, wrap }: Pick<RfxGroup, 'kind' | 'member' | 'wrap'>): boolean {
  return wrap !== null && (kind === 'project' ? wrap.role !== 'supplier' : member)
}

function isDenial(error: unknown): boolean {
  return codeOf(error) === 'not_found' || codeOf(error) === 'forbidden'
}
