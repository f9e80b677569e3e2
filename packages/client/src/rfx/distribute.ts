import type { RfxRecipient } from '@nokkel/contract'
import type { RfxKey } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { ManifestEnd, VerifiedGroup } from './group-keys.ts'
import {
  createProgress,
  type GroupTools,
  isReachable,
  pagesOf,
  placeOf,
  type Reachable,
  rememberRecipients,
  sortOut,
  type Work,
} from './group-tools.ts'
import { pairs, type RecipientWrap, signRevision, wrapRecipient } from './revision.ts'
import type { DistributionError, DistributionResult } from './rfx.ts'

export interface DistributeWork extends Work {
  /** Whom to give it to. Default: everyone who lacks it. */
  readonly only?: ((recipient: RfxRecipient) => boolean) | undefined
  /** Whether to look for those without a key of their own, to name them. Default `true`. */
  readonly namesKeyless?: boolean
}

const roundLimit = 5
const attemptLimit = 8

export const nothingDistributed: DistributionResult = { success: true, errors: [], wrapped: 0 }

/**
 * Wraps the key of a group to those who lack it, page by page: while one page is stored, the next is wrapped. What others
 * do at the same time is taken in; begun again, it does what is missing.
 *
 * @throws {NokkelError} `rekey_pending`: it needs a new key first. `waiting_for_key`, `cancelled`, or a problem of the API.
 */
export async function distribute(work: DistributeWork): Promise<DistributionResult> {
  const { tools, groupId, only = () => true, namesKeyless = true, signal, onProgress } = work
  const errors = new Map<string, DistributionError>()
  const progress = createProgress(onProgress)
  let wrapped = 0
  let keyless = 0
  for (let round = 1; ; round++) {
    const group = await tools.fetchGroup(groupId)
    if (group.group.rekeyPending) throw new NokkelError('rekey_pending')
    const batches = createBatches(tools, group)
    // Failures of the round before that were not final are tried again, and then are what they are.
    for (const [place, { error }] of errors) if (error === 'recipients_changed') errors.delete(place)
    try {
      for await (const { recipients, coverage } of pagesOf(tools, groupId, { onlyMissing: true, signal })) {
        keyless = coverage?.noKey ?? keyless
        const wanted = recipients.filter((one) => isReachable(one) && only(one) && !errors.has(placeOf(one)))
        if (coverage && round === 1) progress.expect(coverage.missing)
        const { accepted, changed } = await sortOut(tools, wanted.filter(isReachable))
        for (const one of changed) errors.set(placeOf(one), errorOf(one, 'key_changed'))
        const wraps = await batches.wrap(accepted, { signal, onWrapped: progress.add })
        for (const [index, one] of accepted.entries()) {
          if (!wraps[index]) errors.set(placeOf(one), errorOf(one, 'key_unusable'))
        }
        await batches.store(pairs(accepted, wraps))
      }
      await batches.stored()
    } catch (error) {
      // Somebody else made a new version meanwhile: it is that one's turn.
      if (codeOf(error) !== 'version_stale' || round === roundLimit) throw error
      continue
    } finally {
      wrapped += batches.count()
      batches.close()
    }
    const changed = batches.changed()
    for (const one of changed) errors.set(placeOf(one), errorOf(one, 'recipients_changed'))
    if (changed.length === 0 || round === roundLimit) break
  }
  const failed = [...errors.values()]
  const named = keyless > 0 && namesKeyless ? await listKeyless(work, only) : []
  return { success: failed.length === 0, errors: [...failed, ...named], wrapped }
}

async function listKeyless(
  { tools, groupId, signal }: Work,
  only: (recipient: RfxRecipient) => boolean,
): Promise<DistributionError[]> {
  const found: DistributionError[] = []
  for await (const { recipients } of pagesOf(tools, groupId, { onlyMissing: false, signal })) {
    const keyless = recipients.filter((one) => one.state === 'no_key' && only(one))
    found.push(...keyless.map((one) => errorOf(one, 'key_missing')))
  }
  return found
}

function errorOf(recipient: RfxRecipient, error: string): DistributionError {
  const { owner, ownerId, companyId } = recipient
  return { companyId: companyId ?? '', userId: owner === 'user' ? ownerId : '', error }
}

/** Stores one batch after the other, in the order of their revisions, while the next is being made. */
function createBatches(tools: GroupTools, { group, key, end: last }: VerifiedGroup & { readonly key: RfxKey }) {
  const { id: groupId, version, kind } = group
  const session = tools.wrapper.open({ key, groupId, version })
  const changed: Reachable[] = []
  let end = last
  let count = 0
  let storing: Promise<void> = Promise.resolve()
  return {
    wrap: (recipients: readonly Reachable[], options: Parameters<typeof session.wrap>[1]) =>
      recipients.length === 0 ? [] : session.wrap(recipients.map(wrapRecipient), options),
    /** Waits for the batch before, not for this one. */
    async store(batch: readonly RecipientWrap[]): Promise<void> {
      await storing
      if (batch.length === 0) return
      storing = storeBatch(batch)
      storing.catch(() => {})
    },
    stored: () => storing,
    changed: () => changed,
    count: () => count,
    close: () => session.close(),
  }

  async function storeBatch(first: readonly RecipientWrap[]): Promise<void> {
    let batch = first
    for (let attempt = 1; batch.length > 0; attempt++) {
      const { body, end: next } = await signRevision(tools, { groupId, kind, version, key }, end, batch)
      try {
        await tools.call('addRfxWraps', { params: { id: groupId }, body })
        end = next
        count += batch.length
        await tools.onRevision(groupId, version, key, end)
        await rememberRecipients(
          tools,
          batch.map(({ recipient }) => recipient),
        )
        return
      } catch (error) {
        if (attempt === attemptLimit) throw error
        if (codeOf(error) === 'manifest_stale') {
          end = await fetchEnd()
          batch = await stillMissing(batch)
        } else if (codeOf(error) === 'recipients_changed') {
          const ids = ownerIdsOf(error)
          const isChanged = ({ recipient }: RecipientWrap) => ids.includes(recipient.ownerId)
          changed.push(...batch.filter(isChanged).map(({ recipient }) => recipient))
          const rest = batch.filter((one) => !isChanged(one))
          if (rest.length === batch.length) throw error
          batch = rest
        } else throw error
      }
    }
  }

  async function fetchEnd(): Promise<ManifestEnd> {
    const now = await tools.fetchGroup(groupId)
    if (now.group.version !== version) throw new NokkelError('version_stale')
    if (now.group.rekeyPending) throw new NokkelError('rekey_pending')
    return now.end
  }

  /** Those of a batch whom nobody else has given it to meanwhile, and whose key is still the one that was wrapped to. */
  async function stillMissing(batch: readonly RecipientWrap[]): Promise<readonly RecipientWrap[]> {
    const missing = new Map<string, string>()
    for await (const { recipients } of pagesOf(tools, groupId, { onlyMissing: true })) {
      for (const one of recipients) if (one.key) missing.set(placeOf(one), one.key.id)
    }
    const isMissing = ({ recipient }: RecipientWrap) => missing.get(placeOf(recipient)) === recipient.key.id
    changed.push(
      ...batch
        .filter((one) => !isMissing(one) && missing.has(placeOf(one.recipient)))
        .map(({ recipient }) => recipient),
    )
    return batch.filter(isMissing)
  }
}

export function ownerIdsOf(error: unknown): readonly string[] {
  const ids = error instanceof NokkelError ? error.data?.ownerIds : undefined
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}
