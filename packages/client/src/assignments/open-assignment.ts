import type { Assignment, AssignmentSummary } from '@nokkel/contract'
import { CryptoError, decodeBase64Url, openAssignment as openSealed } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import { type AssignmentTools, readerOf } from './assignment-tools.ts'
import { fileContext } from './file-context.ts'
import { knownSigners, rememberSigner } from './known-signers.ts'
import { createOpenedFile, type OpenedFile } from './opened-file.ts'
import { checkSigner, type SignerView } from './signer.ts'

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

export interface OpenOptions {
  /**
   * Whether only to look, as a list does that shows titles: the sender is not told, and the signer is not remembered.
   * What nobody has read must not make a key trusted. Default `false`.
   */
  readonly peek?: boolean
}

export async function openAssignment(
  tools: AssignmentTools,
  id: string,
  { peek = false }: OpenOptions = {},
): Promise<OpenedAssignment> {
  const { call, own, storage, lock } = tools
  const keys = await own()
  const assignment = await call('getAssignment', { params: { id } })
  const { content, signer, revision } = await decrypt(tools, id, assignment, keys)
  const { sender, sentAt } = assignment
  const checked = checkSigner(signer, assignment)
  const { thumbprint } = signer
  const firstSeen = peek
    ? !(await knownSigners(storage, keys.userId, sender.id)).includes(thumbprint)
    : await rememberSigner({ storage, lock }, keys.userId, sender.id, thumbprint)
  const isNews = !peek && assignment.openedAt === null && sender.id !== keys.userId
  if (isNews) await call('markAssignmentOpened', { params: { id } }).catch(() => {})
  const files = content.files.map((file) => createOpenedFile(call, fileContext(file.blobId, sender.id), file))
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

async function decrypt({ me }: AssignmentTools, id: string, assignment: Assignment, keys: OwnKeys) {
  const { key, statement } = assignment
  if (assignment.id !== id || key?.deviceId !== keys.deviceId) throw new NokkelError('not_readable')
  const { organization } = await me()
  try {
    return await openSealed({
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
