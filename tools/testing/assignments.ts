import type { Assignment } from '@nokkel/contract'
import {
  type AssignmentContent,
  decodeBase64Url,
  encodeBase64Url,
  openAssignment,
  readdressAssignment,
  sealAssignment,
} from '@nokkel/crypto'
import type { Equipped } from './people.ts'

export interface SealedRequest {
  readonly id: string
  readonly content: string
  readonly statement: string
  readonly keys: { userId: string; deviceId: string; wrappedKey: string }[]
  readonly blobs: string[]
}

export interface SealOptions {
  readonly id?: string
  readonly organizationId?: string
  readonly content?: AssignmentContent
  readonly blobs?: readonly string[]
}

/** What a client sends: an assignment sealed to the sender and to others. */
export async function sealFor(
  sender: Equipped,
  to: readonly Equipped[],
  options: SealOptions = {},
): Promise<SealedRequest> {
  const { id = crypto.randomUUID(), organizationId = sender.claims.organization, blobs = [] } = options
  const { content = { title: 'Besøk på mandag', body: 'Klokken ti.', files: [] } } = options
  const sealed = await sealAssignment({
    id,
    organizationId,
    sender: { userId: sender.id, deviceId: sender.deviceId, signing: sender.keys.signing },
    recipients: [sender, ...to].map(toRecipient),
    content,
  })
  return { id, content: encodeBase64Url(sealed.content), ...onWire(sealed), blobs: [...blobs] }
}

/** What a client sends to address `sent` again, as the sender has it. */
export async function readdressTo(
  sender: Equipped,
  to: readonly Equipped[],
  sent: Pick<Assignment, 'id' | 'content' | 'statement' | 'key'>,
): Promise<Pick<SealedRequest, 'statement' | 'keys'>> {
  if (!sent.key) throw new Error('The sender has no key.')
  const addressed = await readdressAssignment({
    id: sent.id,
    organizationId: sender.claims.organization,
    sender: { userId: sender.id, deviceId: sender.deviceId, signing: sender.keys.signing },
    recipients: [sender, ...to].map(toRecipient),
    content: decodeBase64Url(sent.content),
    statement: sent.statement,
    own: {
      userId: sender.id,
      deviceId: sender.deviceId,
      wrappedKey: decodeBase64Url(sent.key.wrappedKey),
      encryption: sender.keys.encryption,
    },
  })
  return onWire(addressed)
}

/** Opens what the server gave to this device. */
export async function openAs(person: Equipped, assignment: Assignment): Promise<AssignmentContent> {
  if (!assignment.key) throw new Error('This device has no key.')
  const { content } = await openAssignment({
    id: assignment.id,
    organizationId: assignment.organizationId,
    senderUserId: assignment.sender.id,
    content: decodeBase64Url(assignment.content),
    statement: assignment.statement,
    recipient: {
      userId: person.id,
      deviceId: person.deviceId,
      wrappedKey: decodeBase64Url(assignment.key.wrappedKey),
      encryption: person.keys.encryption,
    },
  })
  return content
}

const toRecipient = ({ id, deviceId, encryptionKey }: Equipped) => ({ userId: id, deviceId, encryptionKey })

function onWire({
  statement,
  keys,
}: {
  statement: string
  keys: readonly { userId: string; deviceId: string; wrappedKey: Uint8Array }[]
}) {
  return { statement, keys: keys.map((key) => ({ ...key, wrappedKey: encodeBase64Url(key.wrappedKey) })) }
}
