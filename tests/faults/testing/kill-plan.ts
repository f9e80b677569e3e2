import { NokkelError } from '@nokkel/client'
import { expect } from 'vitest'
import { killHeader } from './server-plan.ts'

/** Which request of a client kills the server, and where in it. */
export interface KillPlan {
  readonly fetch: typeof fetch
  /** The next request that fits kills the server when it comes to this point. */
  arm(operation: string, point: number): void
  disarm(): void
}

/**
 * A `fetch` that asks the server to die, and gives up at once when there is no answer, so that the person tries again.
 * It also remembers which chunks were acknowledged: whoever announces their file again must be told of each of them.
 */
export function createKillPlan(): KillPlan {
  const acknowledged = new Map<string, Set<number>>()
  let armed: { operation: string; point: number } | undefined
  return {
    arm(operation, point) {
      armed = { operation, point }
    },
    disarm() {
      armed = undefined
    },
    async fetch(input, init) {
      const { pathname } = new URL(String(input))
      const headers = new Headers(init?.headers)
      const operation = `${init?.method} ${pathname.replace(/[0-9a-f-]{36}/, '{id}')}`
      if (armed?.operation === operation) headers.set(killHeader, String(armed.point))
      const answer = await fetch(input, { ...init, headers }).catch((cause: unknown) => {
        throw new NokkelError('cancelled', { cause })
      })
      const [, blobId, index] = /^\/nokkel\/blobs\/([^/]+)\/chunks\/(\d+)$/.exec(pathname) ?? []
      if (blobId && init?.method === 'PUT' && answer.ok) {
        acknowledged.set(blobId, (acknowledged.get(blobId) ?? new Set()).add(Number(index)))
      }
      if (pathname === '/nokkel/blobs' && answer.ok) {
        const { id, received } = (await answer.clone().json()) as { id: string; received: number[] }
        expect(received).toEqual(expect.arrayContaining([...(acknowledged.get(id) ?? [])]))
      }
      return answer
    },
  }
}
