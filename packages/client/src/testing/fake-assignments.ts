import type { Assignment, AssignmentSummary } from '@nokkel/contract'
import { decodeBase64Url, verifyJws } from '@nokkel/crypto'
import type { FakeDevice } from './fake-devices.ts'
import type { FakeSession } from './fake-sessions.ts'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

type FakeAssignment = Omit<Assignment, 'key' | 'signer' | 'readable'> & { keys: NonNullable<Assignment['key']>[] }

interface FakeAssignmentOptions {
  readonly organizationId: string
  readonly sessionOf: (exchange: Exchange) => FakeSession
  readonly devices: readonly FakeDevice[]
  readonly isoNow: () => string
}

/** Assignments for the fake server: like that, they keep no promises of their own. */
export function createFakeAssignments({ organizationId, sessionOf, devices, isoNow }: FakeAssignmentOptions) {
  const list: FakeAssignment[] = []

  function assignmentOf({ params }: Exchange): FakeAssignment {
    const assignment = list.find(({ id }) => id === params.id)
    if (!assignment) throw new Refusal('not_found', 404)
    return assignment
  }

  function summaryOf(assignment: FakeAssignment, session: FakeSession): AssignmentSummary {
    const { content: _, statement: __, keys, ...summary } = assignment
    const recipients = [...new Set(keys.map(({ userId }) => userId))].filter((id) => id !== summary.sender.id)
    return {
      ...summary,
      readable: keys.some(({ deviceId }) => deviceId === session.deviceId),
      ...(summary.sender.id === session.user.id && {
        deliveries: recipients.map((userId) => ({
          userId,
          name: '',
          state: 'sent' as const,
          fetchedAt: null,
          openedAt: null,
          hasActiveDevice: true,
        })),
      }),
    }
  }

  const handlers: Handlers = {
    sendAssignment(exchange) {
      const session = sessionOf(exchange)
      const { id, content, statement, keys, blobs: files } = exchange.body
      const existing = list.find((assignment) => assignment.id === id)
      if (existing) {
        if (existing.statement !== statement) throw new Refusal('conflict', 409)
        return summaryOf(existing, session)
      }
      const assignment = {
        id,
        organizationId,
        sender: { id: session.user.id, name: session.user.name },
        sentAt: isoNow(),
        revision: 1,
        byteLength: decodeBase64Url(content).byteLength,
        fileCount: files.length,
        readable: true,
        openedAt: null,
        content,
        statement,
        keys,
      }
      list.push(assignment)
      return summaryOf(assignment, session)
    },
    readdressAssignment(exchange) {
      const session = sessionOf(exchange)
      const assignment = assignmentOf(exchange)
      assignment.revision += 1
      assignment.keys = exchange.body.keys
      assignment.statement = exchange.body.statement
      return summaryOf(assignment, session)
    },
    listAssignments(exchange) {
      const session = sessionOf(exchange)
      const sent = exchange.url.searchParams.get('box') === 'sent'
      const mine = list.filter(({ sender, keys }) =>
        sent ? sender.id === session.user.id : keys.some(({ userId }) => userId === session.user.id),
      )
      return { assignments: mine.map((assignment) => summaryOf(assignment, session)) }
    },
    async getAssignment(exchange) {
      const session = sessionOf(exchange)
      const assignment = assignmentOf(exchange)
      const { content, statement, keys } = assignment
      const { thumbprint } = await verifyJws(statement, 'nokkel-assignment+jwt')
      const signer = devices.find(({ signingThumbprint }) => signingThumbprint === thumbprint)
      if (!signer) throw new Refusal('not_found', 404)
      return {
        ...summaryOf(assignment, session),
        content,
        statement,
        key: keys.find(({ deviceId }) => deviceId === session.deviceId) ?? null,
        signer: {
          deviceId: signer.id,
          userId: signer.user.id,
          signingKey: signer.signingKey,
          thumbprint: signer.signingThumbprint,
          validFrom: signer.registeredAt,
          validUntil: signer.endedAt,
        },
      } satisfies Assignment
    },
    markAssignmentOpened: () => undefined,
  }

  return { handlers, list }
}
