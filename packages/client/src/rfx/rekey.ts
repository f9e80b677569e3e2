import { encodeBase64Url, encryptPreviousKey, generateRfxKey, type RfxKey } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import { ownerIdsOf } from './distribute.ts'
import type { ManifestEnd, VerifiedGroup } from './group-keys.ts'
import {
  createProgress,
  type GroupTools,
  isReachable,
  noticeOf,
  pagesOf,
  placeOf,
  type Reachable,
  rememberRecipients,
  sortOut,
  type Work,
} from './group-tools.ts'
import { pairs, type RecipientWrap, signRevision, wrapRecipient } from './revision.ts'

const attemptLimit = 5
const topUpLimit = 3

/**
 * Makes the next version of the key of a group, wrapped to everyone who is in it and has a key, and puts it in force. Whoever
 * comes meanwhile is added; when somebody leaves meanwhile, or another device was faster, it begins again. Whose key cannot be
 * used, or has changed and was not accepted, is left out, and waits for it as whoever lacks the key.
 *
 * @returns How many got it: 0 when no new version was needed any more.
 * @throws {NokkelError} `key_changed`, `key_unusable`: it can be wrapped to nobody; `data.recipients` names them.
 */
export async function rekey(work: Work): Promise<number> {
  const { tools, groupId } = work
  for (let attempt = 1; ; attempt++) {
    const group = await tools.fetchGroup(groupId)
    if (!group.group.rekeyPending) return 0
    try {
      return await makeVersion(work, group)
    } catch (error) {
      const code = codeOf(error)
      const moved = code === 'version_stale' || code === 'manifest_stale' || code === 'recipients_changed'
      if (!moved || attempt === attemptLimit) throw error
    }
  }
}

async function makeVersion(
  { tools, groupId, signal, onProgress }: Work,
  before: VerifiedGroup & { readonly key: RfxKey },
): Promise<number> {
  const version = before.group.version + 1
  const key = generateRfxKey()
  const session = tools.wrapper.open({ key, groupId, version })
  try {
    const attemptId = crypto.randomUUID()
    const previousKey = await encryptPreviousKey({ key, previousKey: before.key, groupId, version })
    const body = { attemptId, version, previousKey: encodeBase64Url(previousKey) }
    await tools.call('beginRfxVersion', { params: { id: groupId }, body }, { signal })

    const progress = createProgress(onProgress)
    const store = createStore(tools, before, key, attemptId)
    const wrapAll = async (recipients: readonly Reachable[]) => {
      const { accepted, changed } = await sortOut(tools, recipients)
      for (const one of changed) omitted.set(one.ownerId, { code: 'key_changed', recipient: one })
      const wraps =
        accepted.length > 0 ? await session.wrap(accepted.map(wrapRecipient), { signal, onWrapped: progress.add }) : []
      for (const [index, one] of accepted.entries()) {
        if (!wraps[index]) omitted.set(one.ownerId, { code: 'key_unusable', recipient: one })
      }
      return pairs(accepted, wraps)
    }
    const omitted = new Map<string, Omission>()
    let storing: Promise<void> = Promise.resolve()
    for await (const { recipients, coverage } of pagesOf(tools, groupId, { onlyMissing: false, signal })) {
      if (coverage) progress.expect(coverage.wrapped + coverage.missing)
      const batch = await wrapAll(recipients.filter(isReachable))
      await storing
      storing = store.add(batch)
      storing.catch(() => {})
    }
    await storing
    if (store.recipients().length === 0) throw refusal([...omitted.values()])
    await activate(async (ids) => {
      for await (const { recipients } of pagesOf(tools, groupId, { onlyMissing: false, signal })) {
        await store.add(await wrapAll(recipients.filter(isReachable).filter(({ ownerId }) => ids.includes(ownerId))))
      }
    })
    tools.onVersion(groupId, version, key)
    await tools.onRevision(groupId, version, key, store.end())
    await rememberRecipients(tools, store.recipients())
    return store.recipients().length

    async function activate(topUp: (ids: readonly string[]) => Promise<void>): Promise<void> {
      for (let attempt = 1; ; attempt++) {
        try {
          const body = { omitted: [...omitted.keys()] }
          await tools.call('activateRfxVersion', { params: { id: groupId, attemptId }, body }, { signal })
          return
        } catch (error) {
          const ids = ownerIdsOf(error)
          // Who came meanwhile is added; who went, or changed their key, is in it already and cannot be taken out.
          const came = ids.length > 0 && !store.recipients().some(({ ownerId }) => ids.includes(ownerId))
          if (codeOf(error) !== 'recipients_changed' || !came || attempt === topUpLimit) throw error
          await topUp(ids)
        }
      }
    }
  } catch (error) {
    key.fill(0)
    throw error
  } finally {
    session.close()
  }
}

/** Adds revisions to a version in the making. */
function createStore(tools: GroupTools, { group, end: last }: VerifiedGroup, key: RfxKey, attemptId: string) {
  const { id: groupId, kind } = group
  const version = group.version + 1
  const stored = new Map<string, Reachable>()
  let end: ManifestEnd = { revision: 0, digest: last.digest }
  return {
    end: () => end,
    recipients: () => [...stored.values()],
    async add(batch: readonly RecipientWrap[]): Promise<void> {
      if (batch.length === 0) return
      const { body, end: next } = await signRevision(tools, { groupId, kind, version, key }, end, batch)
      await tools.call('addRfxVersionWraps', { params: { id: groupId, attemptId }, body })
      end = next
      for (const { recipient } of batch) stored.set(placeOf(recipient), recipient)
    },
  }
}

/** Somebody who is left out, and why. */
interface Omission {
  readonly code: 'key_changed' | 'key_unusable'
  readonly recipient: Reachable
}

function refusal(omitted: readonly Omission[]): NokkelError {
  const recipients = omitted.map(({ recipient }) => noticeOf(recipient))
  return new NokkelError(omitted[0]?.code ?? 'key_unusable', { data: { recipients } })
}
