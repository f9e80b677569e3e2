import { randomBytes } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Equipped } from '../../tools/testing/people.ts'
import type { ActorName, Sender, World } from './world.ts'

type Statement = RawBuilder<unknown>

/** What an actor has to make rows of; who has sent nothing tries with what the coordinator sent. */
interface Means {
  readonly id: string
  /** An active device of theirs, where there can be one without a key to the assignment. */
  readonly deviceId: string
  readonly signer: string
  readonly organization: string
  readonly assignment: string
  readonly pendingBlob: string
  readonly sentBlob: string
  /** A member of the organisation who has not got the assignment. */
  readonly newRecipient: string
}

function meansOf(world: World, actor: ActorName): Means {
  const { coordinator, stranger, ended, member, former } = world
  const senders: Partial<Record<ActorName, Sender>> = { stranger, ended }
  const readers: Partial<Record<ActorName, Equipped>> = { member, former }
  const sent = senders[actor] ?? coordinator
  const person = readers[actor] ?? sent
  return {
    id: person.id,
    deviceId: readers[actor]?.deviceId ?? sent.otherDeviceId,
    signer: person.signingThumbprint,
    organization: person.claims.organization,
    assignment: sent.assignmentId,
    pendingBlob: sent.pendingBlobId,
    sentBlob: sent.sentBlobId,
    newRecipient: actor === 'stranger' ? world.strangersColleague : world.colleague.id,
  }
}

const assignment = (organization: string, sender: string, signer: string): Statement => sql`
  insert into public.assignment (id, organization_id, sender_id, content, statement, signer_thumbprint)
  values (gen_random_uuid(), ${organization}::uuid, ${sender}::uuid, 'x', 'x', ${signer})`

const recipient = (of: string, user: string, more = sql`null`): Statement => sql`
  insert into public.assignment_recipient (assignment_id, user_id, opened_at) values (${of}::uuid, ${user}::uuid, ${more})`

const key = (of: string, user: string, device: string): Statement => sql`
  insert into public.assignment_key (assignment_id, user_id, device_id, wrapped_key)
  values (${of}::uuid, ${user}::uuid, ${device}::uuid, ${randomBytes(133)}::bytea)`

const blob = (organization: string, owner: string, of: string | null = null): Statement => sql`
  insert into public.blob (id, organization_id, owner_id, byte_length, chunk_count, assignment_id)
  values (gen_random_uuid(), ${organization}::uuid, ${owner}::uuid, 53, 1, ${of}::uuid)`

const chunk = (of: string): Statement => sql`
  insert into public.blob_chunk (blob_id, index, bytes) values (${of}::uuid, 1, 'x')`

/** The best row this actor could make; `undefined` where nobody has the right. */
export function ownInsert(table: string, world: World, actor: ActorName): Statement | undefined {
  const own = meansOf(world, actor)
  switch (table) {
    case 'public.assignment':
      return assignment(own.organization, own.id, own.signer)
    case 'public.assignment_recipient':
      return recipient(own.assignment, own.newRecipient)
    case 'public.assignment_key':
      return key(own.assignment, own.id, own.deviceId)
    case 'public.blob':
      return blob(own.organization, own.id)
    case 'public.blob_chunk':
      return chunk(own.pendingBlob)
    default:
      return undefined
  }
}

/** Rows in the name or to the harm of someone else, which a policy must refuse to members and coordinators alike. */
export function hostileInserts(table: string, world: World): [string, (actor: ActorName) => Statement][] {
  const { coordinator, stranger, ended, member, colleague, former } = world
  const of = (actor: ActorName) => meansOf(world, actor)
  switch (table) {
    case 'public.assignment':
      return [
        ['sender', (actor) => assignment(of(actor).organization, ended.id, of(actor).signer)],
        ['signer', (actor) => assignment(of(actor).organization, of(actor).id, ended.signingThumbprint)],
        ['organisation', (actor) => assignment(otherOrganization(world, actor), of(actor).id, of(actor).signer)],
        ['not logged in there', (actor) => assignment(world.second, of(actor).id, of(actor).signer)],
      ]
    case 'public.assignment_recipient':
      return [
        ['assignment', () => recipient(ended.assignmentId, member.id)],
        ['oneself', (actor) => recipient(of(actor).assignment, of(actor).id)],
        ['someone who has left', (actor) => recipient(of(actor).assignment, former.id)],
        ['organisation', (actor) => recipient(of(actor).assignment, otherPerson(world, actor))],
        ['opened', (actor) => recipient(of(actor).assignment, of(actor).newRecipient, sql`now()`)],
      ]
    case 'public.assignment_key':
      return [
        ['assignment', () => key(ended.assignmentId, member.id, member.deviceId)],
        ['not a recipient', (actor) => key(of(actor).assignment, colleague.id, colleague.deviceId)],
        ['not their device', (actor) => key(of(actor).assignment, of(actor).id, colleague.deviceId)],
      ]
    case 'public.blob':
      return [
        ['owner', (actor) => blob(of(actor).organization, ended.id)],
        ['organisation', (actor) => blob(otherOrganization(world, actor), of(actor).id)],
        ['not logged in there', (actor) => blob(world.second, of(actor).id)],
        ['sent at once', (actor) => blob(of(actor).organization, of(actor).id, of(actor).assignment)],
        [
          'in a project at once',
          (actor) => sql`
            insert into public.blob (id, organization_id, owner_id, byte_length, chunk_count, rfx_id, object_id)
            values (gen_random_uuid(), ${of(actor).organization}::uuid, ${of(actor).id}::uuid, 53, 1, ${world.rfx}::uuid, gen_random_uuid())`,
        ],
      ]
    case 'public.blob_chunk':
      return [
        ['file', () => chunk(ended.pendingBlobId)],
        ['sent file of someone else', () => chunk(ended.sentBlobId)],
        ['sent file', (actor) => chunk(of(actor).sentBlob)],
        [
          'file of the other organisation',
          (actor) => chunk((actor === 'stranger' ? coordinator : stranger).pendingBlobId),
        ],
      ]
    default:
      return []
  }
}

const otherOrganization = (world: World, actor: ActorName) =>
  actor === 'stranger' ? world.organization : world.elsewhere
const otherPerson = (world: World, actor: ActorName) =>
  actor === 'stranger' ? world.colleague.id : world.strangersColleague

/** The change this actor could make to all they may change, where `set c = c` says too little. */
export function ownUpdate(table: string, column: string, world: World, actor: ActorName): Statement | undefined {
  const own = meansOf(world, actor)
  return table === 'public.blob' && column === 'assignment_id'
    ? sql`update public.blob set assignment_id = ${own.assignment}::uuid`
    : undefined
}

/** Changes of what is someone else's, or to what is someone else's. */
export function hostileUpdates(table: string, world: World): [string, ActorName, Statement][] {
  const { coordinator, stranger, ended, member } = world
  switch (table) {
    case 'public.assignment':
      return [
        ['signer', 'coordinator', sql`update public.assignment set signer_thumbprint = ${ended.signingThumbprint}`],
        [
          'own other device as signer',
          'coordinator',
          sql`
          update public.assignment set signer_thumbprint = (
            select d.signing_thumbprint from public.device_key d where d.id = ${coordinator.otherDeviceId}::uuid)`,
        ],
        ['by a recipient', 'member', sql`update public.assignment set revision = 2`],
      ]
    case 'public.blob':
      return [
        [
          'to an assignment of someone else',
          'coordinator',
          sql`update public.blob set assignment_id = ${ended.assignmentId}::uuid`,
        ],
        [
          'sent before',
          'coordinator',
          sql`
          update public.blob set assignment_id = null where id = ${coordinator.sentBlobId}::uuid`,
        ],
        [
          'of someone else',
          'stranger',
          sql`
          update public.blob set assignment_id = ${stranger.assignmentId}::uuid where id = ${coordinator.pendingBlobId}::uuid`,
        ],
      ]
    case 'public.blob_chunk':
      return [
        [
          'sent',
          'coordinator',
          sql`update public.blob_chunk set bytes = 'x' where blob_id = ${coordinator.sentBlobId}::uuid`,
        ],
        ['received', 'member', sql`update public.blob_chunk set bytes = 'x'`],
      ]
    case 'public.assignment_recipient':
      return [
        [
          'of a recipient',
          'coordinator',
          sql`
          update public.assignment_recipient set opened_at = now() where user_id = ${member.id}::uuid`,
        ],
      ]
    default:
      return []
  }
}
