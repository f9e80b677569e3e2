import type { AssignmentSummary } from '@nokkel/contract'
import {
  type AssignmentFile,
  CryptoError,
  encodeBase64Url,
  type SealedAssignment,
  sealAssignment,
} from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import { type AssignmentTools, wireKey, withCurrentDevices } from './assignment-tools.ts'
import { assertReachable, recipientsOf } from './recipients.ts'
import { type OutgoingFile, uploadFile } from './upload-file.ts'

export interface SendProgress {
  readonly phase: 'encrypting' | 'sending'
  /** Bytes of files sent so far. */
  readonly bytes: number
  readonly total: number
}

/** An assignment to send. Handed in again after a failure, the same object goes on where it stopped. */
export interface AssignmentDraft {
  /** User ids. */
  readonly to: string | readonly string[]
  readonly title: string
  readonly body: string
  readonly files?: readonly OutgoingFile[]
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: SendProgress) => void
}

/** What of a draft is done already, so that it can go on. */
interface SendAttempt {
  readonly id: string
  readonly blobIds: readonly string[]
  readonly files: Map<number, AssignmentFile>
  sealed?: SealedAssignment
}

/** Makes what sends drafts and remembers, as long as the draft itself lives, how far each has come. */
export function createSend(tools: AssignmentTools): (draft: AssignmentDraft) => Promise<AssignmentSummary> {
  const { call, members, own } = tools
  const attempts = new WeakMap<AssignmentDraft, SendAttempt>()
  return async (draft) => {
    const { to, title, body, signal } = draft
    const userIds = [...new Set(typeof to === 'string' ? [to] : to)]
    if (userIds.length === 0) throw new RangeError('to must name at least one person')
    const keys = await own()
    const attempt = attempts.get(draft) ?? newAttempt(draft)
    attempts.set(draft, attempt)
    assertReachable(userIds, await members.lookup(userIds, { signal }))
    const files = await upload(tools, draft, attempt, keys.userId)

    const summary = await withCurrentDevices(async () => {
      attempt.sealed ??= await seal(tools, attempt.id, keys, userIds, { title, body, files }, signal)
      try {
        return await call('sendAssignment', { body: bodyOf(attempt, attempt.sealed) }, { signal })
      } catch (error) {
        if (codeOf(error) === 'recipients_changed') delete attempt.sealed
        throw error
      }
    })
    attempts.delete(draft)
    return summary
  }
}

async function upload(
  tools: AssignmentTools,
  draft: AssignmentDraft,
  attempt: SendAttempt,
  senderUserId: string,
): Promise<AssignmentFile[]> {
  const { files = [], signal, onProgress } = draft
  const total = files.reduce((sum, { size }) => sum + size, 0)
  let bytes = 0
  const report = (phase: SendProgress['phase']) => onProgress?.({ phase, bytes: Math.min(bytes, total), total })
  report('encrypting')
  for (const [index, file] of files.entries()) {
    const before = bytes
    const blobId = attempt.blobIds[index]
    if (blobId !== undefined && !attempt.files.has(index)) {
      const onChunk = (byteLength: number) => {
        bytes += byteLength
        report('sending')
      }
      attempt.files.set(index, await uploadFile(file, { call: tools.call, blobId, senderUserId, signal, onChunk }))
    }
    bytes = before + file.size
    report('sending')
  }
  return [...attempt.files].sort(([a], [b]) => a - b).map(([, file]) => file)
}

async function seal(
  { me, members, now }: AssignmentTools,
  id: string,
  keys: OwnKeys,
  userIds: readonly string[],
  content: { title: string; body: string; files: AssignmentFile[] },
  signal?: AbortSignal,
): Promise<SealedAssignment> {
  const { organization } = await me()
  const people = await members.lookup([...userIds, keys.userId], { signal })
  assertReachable(userIds, people)
  const sender = { userId: keys.userId, deviceId: keys.deviceId, signing: keys.keys.signing }
  const recipients = await recipientsOf(keys, people)
  try {
    return await sealAssignment({ id, organizationId: organization.id, sender, content, recipients, now })
  } catch (cause) {
    // The only keys here that are not our own came from the directory.
    throw cause instanceof CryptoError ? new NokkelError('answer_unexpected', { cause }) : cause
  }
}

function newAttempt({ files = [] }: AssignmentDraft): SendAttempt {
  return { id: crypto.randomUUID(), blobIds: files.map(() => crypto.randomUUID()), files: new Map() }
}

function bodyOf({ id, blobIds }: SendAttempt, { content, statement, keys }: SealedAssignment) {
  return { id, content: encodeBase64Url(content), statement, keys: keys.map(wireKey), blobs: [...blobIds] }
}
