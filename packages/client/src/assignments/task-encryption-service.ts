import type { Assignment, AssignmentSummary, Me } from '@nokkel/contract'
import {
  type AssignmentFile,
  type Clock,
  CryptoError,
  decodeBase64Url,
  encodeBase64Url,
  openAssignment,
  readdressAssignment,
  type SealedAssignment,
  sealAssignment,
} from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { MemberService, Page, PageOptions } from '../members/member-service.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { knownSigners, rememberSigner } from './known-signers.ts'
import { createOpenedFile, type OpenedFile } from './opened-file.ts'
import { assertReachable, recipientsOf } from './recipients.ts'
import { checkSigner, type SignerView } from './signer.ts'
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

/** An assignment in a list: sealed until it is opened. */
export interface AssignmentItem extends AssignmentSummary {
  open(): Promise<OpenedAssignment>
}

export interface OpenedAssignment {
  readonly id: string
  readonly sender: AssignmentSummary['sender']
  /** RFC 3339. */
  readonly sentAt: string
  readonly revision: number
  readonly title: string
  readonly body: string
  readonly files: readonly OpenedFile[]
  readonly signer: SignerView
}

/** Encrypts and decrypts assignments on this device. */
export interface TaskEncryptionService {
  /**
   * Encrypts to every active device of the recipients and of the sender, signs, and sends: all of it or nothing.
   *
   * @throws {NokkelError} `keys_missing`, `recipient_without_device`, `file_changed`, `cancelled`, `network_unreachable`,
   * or a problem of the API.
   */
  send(draft: AssignmentDraft): Promise<AssignmentSummary>
  /** Assignments received, newest first. */
  inbox(options?: PageOptions): Promise<Page<AssignmentItem>>
  /** Assignments sent, newest first, with how far each has come. */
  sent(options?: PageOptions): Promise<Page<AssignmentItem>>
  /**
   * Fetches, verifies and decrypts.
   *
   * @throws {NokkelError} `not_readable`: this device has no key for it, or what came does not open.
   * @throws {NokkelError} `signature_untrusted`: not signed by a key the directory gives to its sender.
   */
  open(id: string): Promise<OpenedAssignment>
  /**
   * Sends again: seals the same content, from the sender's own copy, to the devices the same people have now.
   *
   * @throws {NokkelError} `own_copy_unreadable`: this device cannot open its own copy.
   * @throws {NokkelError} `signature_untrusted`: another device of the sender's signed it, which this one has not
   * seen; open the assignment here first.
   * @throws {NokkelError} `recipient_without_device`: none of the recipients has a device now.
   */
  resend(id: string): Promise<AssignmentSummary>
}

interface TaskEncryptionDependencies {
  readonly call: Call
  readonly members: MemberService
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly own: () => Promise<OwnKeys>
  readonly me: () => Promise<Me>
  readonly now: Clock
}

interface SendAttempt {
  readonly id: string
  readonly blobIds: readonly string[]
  readonly files: Map<number, AssignmentFile>
  sealed?: SealedAssignment
}

const attemptLimit = 3

export function createTaskEncryptionService(dependencies: TaskEncryptionDependencies): TaskEncryptionService {
  const { call, members, storage, lock, own, me, now } = dependencies
  const attempts = new WeakMap<AssignmentDraft, SendAttempt>()

  return {
    send,
    inbox: (options) => list('inbox', options),
    sent: (options) => list('sent', options),
    open,
    resend,
  }

  async function send(draft: AssignmentDraft): Promise<AssignmentSummary> {
    const { to, signal } = draft
    const userIds = [...new Set(typeof to === 'string' ? [to] : to)]
    if (userIds.length === 0) throw new RangeError('to must name at least one person')
    const keys = await own()
    const attempt = attempts.get(draft) ?? newAttempt(draft)
    attempts.set(draft, attempt)
    assertReachable(userIds, await members.lookup(userIds, { signal }))
    const files = await upload(draft, attempt, keys.userId)

    const summary = await withCurrentDevices(async () => {
      attempt.sealed ??= await seal(attempt.id, keys, userIds, { title: draft.title, body: draft.body, files }, signal)
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

  async function upload(draft: AssignmentDraft, attempt: SendAttempt, senderUserId: string): Promise<AssignmentFile[]> {
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
        attempt.files.set(index, await uploadFile(file, { call, blobId, senderUserId, signal, onChunk }))
      }
      bytes = before + file.size
      report('sending')
    }
    return [...attempt.files].sort(([a], [b]) => a - b).map(([, file]) => file)
  }

  async function seal(
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

  async function list(box: 'inbox' | 'sent', options: PageOptions = {}): Promise<Page<AssignmentItem>> {
    const { cursor, limit, signal } = options
    const query = { box, ...(cursor === undefined ? {} : { cursor }), ...(limit === undefined ? {} : { limit }) }
    const { assignments, nextCursor } = await call('listAssignments', { query }, { signal })
    const items = assignments.map((summary) => ({ ...summary, open: () => open(summary.id) }))
    return { items, ...(nextCursor === undefined ? {} : { nextCursor }) }
  }

  async function open(id: string): Promise<OpenedAssignment> {
    const keys = await own()
    const assignment = await call('getAssignment', { params: { id } })
    const { content, signer, revision } = await decrypt(id, assignment, keys)
    const { sender, sentAt } = assignment
    const checked = checkSigner(signer, assignment)
    const firstSeen = await rememberSigner({ storage, lock }, keys.userId, sender.id, signer.thumbprint)
    if (assignment.openedAt === null) await call('markAssignmentOpened', { params: { id } }).catch(() => {})
    const files = content.files.map((file) => createOpenedFile(call, sender.id, file))
    return {
      id,
      sender,
      sentAt,
      revision,
      title: content.title,
      body: content.body,
      files,
      signer: { ...checked, firstSeen },
    }
  }

  async function decrypt(id: string, assignment: Assignment, keys: OwnKeys) {
    const { key, statement } = assignment
    if (assignment.id !== id || key?.deviceId !== keys.deviceId) throw new NokkelError('not_readable')
    const { organization } = await me()
    try {
      return await openAssignment({
        id,
        organizationId: organization.id,
        senderUserId: assignment.sender.id,
        content: decodeBase64Url(assignment.content),
        statement,
        recipient: readerOf(keys, key.wrappedKey),
      })
    } catch (cause) {
      if (!(cause instanceof CryptoError || cause instanceof TypeError)) throw cause
      const untrusted = cause instanceof CryptoError && cause.code === 'signature_invalid'
      throw new NokkelError(untrusted ? 'signature_untrusted' : 'not_readable', { cause })
    }
  }

  async function resend(id: string): Promise<AssignmentSummary> {
    const keys = await own()
    return withCurrentDevices(async () => {
      const assignment = await call('getAssignment', { params: { id } })
      const { deliveries = [], key } = assignment
      if (assignment.sender.id !== keys.userId || !key) throw new NokkelError('own_copy_unreadable')
      const people = await members.lookup([...deliveries.map(({ userId }) => userId), keys.userId])
      const reachable = people.filter(({ id, devices }) => id !== keys.userId && devices.length > 0)
      if (reachable.length === 0)
        assertReachable(
          deliveries.map(({ userId }) => userId),
          people,
        )
      const { statement, keys: wraps } = await readdress(assignment, key.wrappedKey, keys, people)
      return await call('readdressAssignment', { params: { id }, body: { statement, keys: wraps.map(wireKey) } })
    })
  }

  async function readdress(
    assignment: Assignment,
    wrappedKey: string,
    keys: OwnKeys,
    people: Parameters<typeof recipientsOf>[1],
  ) {
    const { organization } = await me()
    const trustedSigners = await knownSigners(storage, keys.userId, keys.userId)
    try {
      return await readdressAssignment({
        id: assignment.id,
        organizationId: organization.id,
        sender: { userId: keys.userId, deviceId: keys.deviceId, signing: keys.keys.signing },
        content: decodeBase64Url(assignment.content),
        statement: assignment.statement,
        own: readerOf(keys, wrappedKey),
        recipients: await recipientsOf(keys, people),
        trustedSigners,
        now,
      })
    } catch (cause) {
      if (!(cause instanceof CryptoError || cause instanceof TypeError)) throw cause
      const untrusted = cause instanceof CryptoError && cause.code === 'signature_invalid'
      throw new NokkelError(untrusted ? 'signature_untrusted' : 'own_copy_unreadable', { cause })
    }
  }
}

/** Tries anew when a device came or went between fetching the devices and sending. */
async function withCurrentDevices<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      const stale = codeOf(error) === 'recipients_changed' || codeOf(error) === 'revision_stale'
      if (!stale || attempt === attemptLimit) throw error
    }
  }
}

function newAttempt({ files = [] }: AssignmentDraft): SendAttempt {
  return { id: crypto.randomUUID(), blobIds: files.map(() => crypto.randomUUID()), files: new Map() }
}

function bodyOf({ id, blobIds }: SendAttempt, { content, statement, keys }: SealedAssignment) {
  return { id, content: encodeBase64Url(content), statement, keys: keys.map(wireKey), blobs: [...blobIds] }
}

function wireKey({ userId, deviceId, wrappedKey }: SealedAssignment['keys'][number]) {
  return { userId, deviceId, wrappedKey: encodeBase64Url(wrappedKey) }
}

function readerOf({ userId, deviceId, keys }: OwnKeys, wrappedKey: string) {
  return { userId, deviceId, wrappedKey: decodeBase64Url(wrappedKey), encryption: keys.encryption }
}
