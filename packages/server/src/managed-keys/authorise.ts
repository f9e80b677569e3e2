import { type ProblemCode, problems } from '@nokkel/contract'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'

export type CryptoAction = 'encrypt' | 'decrypt' | 'unwrap'

/** One operation that somebody asks for. */
export interface Item {
  readonly requestId: string
  readonly claims: Claims
  readonly action: CryptoAction
  /** SHA-256 of the envelope to decrypt; null for what is no envelope. */
  readonly envelopeHash?: Uint8Array | null
  readonly rfxId?: string
  readonly version?: number
  readonly via?: 'user' | 'company'
}

/** What the database has decided, and recorded. What stands beside a problem must not be used. */
export interface Decision {
  readonly problem: ProblemCode | null
  readonly keyId: string | null
  readonly ownerId: string | null
  /** Of the key that unwraps. */
  readonly encryptedPrivateKey: string | null
  readonly encryptedSymmetricKey: string | null
}

export type Allowed = Decision & { readonly problem: null }

/** Decides on items and records each of them, before anything is computed. */
export type Authorise = (items: readonly Item[]) => Promise<readonly Decision[]>

interface Waiting {
  readonly items: readonly Item[]
  readonly resolve: (decisions: readonly Decision[]) => void
  readonly reject: (cause: unknown) => void
}

export interface AuthoriseOptions {
  /** Statements at the same time: while they run, the next one fills up. Default 2. */
  readonly maximumStatements?: number
  /** Items for which another one begins beside the first: each has a fixed cost. Default 16. */
  readonly minimumItems?: number
  /** Items in one statement, unless a single request has more. Default 200. */
  readonly maximumItems?: number
  /** Items that may wait. Default 5000. */
  readonly maximumWaiting?: number
}

/**
 * Decides for many requests with one statement, and so with one commit: what arrives while others are decided goes
 * together in the next one. A statement that fails fails the requests in it and no others.
 *
 * @param decideAll - One statement: a decision for each item, in their order.
 */
export function createAuthorise(decideAll: Authorise, options: AuthoriseOptions = {}): Authorise {
  const { maximumStatements = 2, minimumItems = 16, maximumItems = 200, maximumWaiting = 5000 } = options
  const waiting: Waiting[] = []
  let waitingItems = 0
  let statements = 0

  function begin(): void {
    while (statements < maximumStatements && waitingItems >= (statements === 0 ? 1 : minimumItems)) {
      statements++
      void decide(take()).finally(() => {
        statements--
        begin()
      })
    }
  }

  function take(): Waiting[] {
    let count = 0
    const end = waiting.findIndex(({ items }, index) => {
      count += items.length
      return index > 0 && count > maximumItems
    })
    const taken = waiting.splice(0, end === -1 ? waiting.length : end)
    waitingItems -= taken.reduce((sum, { items }) => sum + items.length, 0)
    return taken
  }

  async function decide(requests: readonly Waiting[]): Promise<void> {
    try {
      const decisions = await decideAll(requests.flatMap(({ items }) => items))
      let offset = 0
      for (const { items, resolve } of requests) {
        resolve(decisions.slice(offset, offset + items.length))
        offset += items.length
      }
    } catch (cause) {
      for (const { reject } of requests) reject(cause)
    }
  }

  return async (items) => {
    if (waitingItems + items.length > maximumWaiting) {
      throw new ServerError('key_queue_full', { data: { retryAfterSeconds: 1 } })
    }
    const decisions = await new Promise<readonly Decision[]>((resolve, reject) => {
      waiting.push({ items, resolve, reject })
      waitingItems += items.length
      begin()
    })
    // All items of a request have the same session.
    const [first] = decisions
    if (first?.problem && problems[first.problem].status === 401) throw new ServerError(first.problem)
    return decisions
  }
}
