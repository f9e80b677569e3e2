import type { RfxRecipient } from '@nokkel/contract'
import { codeOf } from '../errors.ts'
import type { Backoff } from './backoff.ts'
import { distribute, nothingDistributed } from './distribute.ts'
import { makeFirstVersion } from './first-wraps.ts'
import type { VerifiedGroup } from './group-keys.ts'
import { rekey } from './rekey.ts'
import type { DistributionResult, Progress, RfxWork, WorkOptions } from './rfx.ts'
import { mayWrap, type RfxSession, type SessionDependencies } from './rfx-session.ts'

/** What is done with the keys of the groups of an opened project. Two tabs do it one after the other. */
export interface GroupWork {
  /** Hands the key to whoever lacks it, in every group the person may wrap for; makes a new one first where that is due. */
  handOver(options?: HandOverOptions): Promise<DistributionResult>
  /** Makes a new version of the key of one group, if that is due. */
  renew(groupId: string): Promise<void>
  /** The group that opens bids, for who may make it and is in it; nothing if it is there. */
  ensureOpening(): Promise<void>
  createBidder(companyId: string): Promise<VerifiedGroup>
}

export interface HandOverOptions extends WorkOptions {
  readonly only?: ((recipient: RfxRecipient) => boolean) | undefined
  readonly namesKeyless?: boolean
  /** Nobody asked for it: what failed is left alone for a while, and one group does not keep the others from theirs. */
  readonly isUnasked?: boolean
}

interface GroupWorkEvents {
  /** Null when it is done. */
  onWork(work: RfxWork | null): void
  /** A group has a new version, made here. */
  onRenewed(groupId: string): void
}

const attemptLimit = 3

export function createGroupWork(
  dependencies: SessionDependencies,
  session: RfxSession,
  { onWork, onRenewed }: GroupWorkEvents,
  backoff: Backoff,
): GroupWork {
  const { lock, person } = dependencies
  const { tools, opened } = session
  const { id } = opened
  const exclusively = <T>(groupId: string, step: () => Promise<T>) => lock.run(`rfx_keys.${groupId}`, step)

  return {
    async handOver(options = {}) {
      const results: DistributionResult[] = []
      try {
        if (!options.isUnasked) backoff.reset()
        for (const group of opened.fetched().groups.filter(mayWrap)) {
          if (options.isUnasked && !backoff.isDue(group.id)) continue
          try {
            results.push(await exclusively(group.id, () => handOverGroup(group.id, options)))
            backoff.succeeded(group.id)
          } catch (error) {
            backoff.failed(group.id)
            if (!options.isUnasked) throw error
          }
        }
      } finally {
        onWork(null)
      }
      await session.refresh()
      return results.reduce(both, nothingDistributed)
    },
    async renew(groupId) {
      try {
        await exclusively(groupId, () => renewGroup(groupId))
      } finally {
        onWork(null)
      }
      await session.refresh()
    },
    async ensureOpening() {
      const { groups, openers, company } = opened.fetched()
      const role = groups[0]?.wrap?.role
      const isThere = groups.some(({ kind }) => kind === 'opening')
      if (isThere || role !== 'buyer' || !openers.some((opener) => opener.id === person.id)) return
      await createGroup('opening', company.id)
    },
    createBidder: (companyId) => createGroup('bidder', companyId),
  }

  async function handOverGroup(groupId: string, options: HandOverOptions): Promise<DistributionResult> {
    const { only, namesKeyless = true, signal } = options
    let renewed = 0
    for (let attempt = 1; ; attempt++) {
      try {
        const onProgress = following('distributing', options)
        const result = await distribute({ tools, groupId, only, namesKeyless, signal, onProgress })
        return { ...result, wrapped: result.wrapped + renewed }
      } catch (error) {
        if (codeOf(error) !== 'rekey_pending' || attempt === attemptLimit) throw error
        renewed += await renewGroup(groupId, options)
      }
    }
  }

  async function renewGroup(groupId: string, options: WorkOptions = {}): Promise<number> {
    const wrapped = await rekey({ tools, groupId, signal: options.signal, onProgress: following('rekeying', options) })
    if (wrapped > 0) onRenewed(groupId)
    return wrapped
  }

  async function createGroup(kind: 'opening' | 'bidder', companyId: string): Promise<VerifiedGroup> {
    const made = await exclusively(`${id}.${kind}.${companyId}`, () => makeGroup(kind, companyId))
    await session.refresh()
    // The colleagues get theirs, too; if that fails now, `settle` does it.
    if (made.key) await exclusively(made.group.id, () => handOverGroup(made.group.id, {})).catch(() => {})
    onWork(null)
    return session.group(made.group.id)
  }

  async function makeGroup(kind: 'opening' | 'bidder', companyId: string): Promise<VerifiedGroup> {
    const role = kind === 'opening' ? 'buyer' : 'supplier'
    for (let attempt = 1; ; attempt++) {
      const groupId = crypto.randomUUID()
      const { key, manifest, remember } = await makeFirstVersion(dependencies, tools, {
        groupId,
        kind,
        role,
        companyId,
      })
      let isStored = false
      try {
        return await session.takeGroup(async () => {
          const body = { groupId, kind, companyId, manifest }
          const group = await session.call('createRfxGroup', { params: { id }, body })
          isStored = group.id === groupId
          if (isStored) session.keep(groupId, 1, key)
          if (isStored) await remember()
          return group
        })
      } catch (error) {
        if (codeOf(error) !== 'recipients_changed' || attempt === attemptLimit) throw error
      } finally {
        if (!isStored) key.fill(0)
      }
    }
  }

  function following(kind: RfxWork['kind'], { onProgress }: WorkOptions): (progress: Progress) => void {
    return (progress) => {
      onWork({ kind, ...progress })
      onProgress?.(progress)
    }
  }
}

function both(a: DistributionResult, b: DistributionResult): DistributionResult {
  return { success: a.success && b.success, errors: [...a.errors, ...b.errors], wrapped: a.wrapped + b.wrapped }
}
