import { expect, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import type { NodeNokkelOptions } from '../node/index.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { consented, createFakeClient } from './fake-client.ts'
import { createFakeServer } from './fake-server.ts'
import type { Exchange } from './refusal.ts'
import { sharedStorage } from './shared-storage.ts'

type Client = ReturnType<typeof createFakeClient>

/** Something that comes late: whoever waits at it goes on when it is opened. */
export function createGate() {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    async wait(): Promise<undefined> {
      reached.resolve()
      await opened.promise
      return undefined
    },
  }
}

/** One browser with tabs, and Kari (`member`) and Ingrid (`coordinator`), who both log in there. */
export function twoPeople(options: Partial<NodeNokkelOptions> = {}) {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const shared = sharedStorage()
  const lock = options.lock ?? createMutex()
  const sessionOf = ({ headers }: Exchange) => {
    const token = headers.get('authorization')?.replace('Bearer ', '') ?? ''
    return server.sessions.find(({ accessTokens }) => accessTokens.includes(token))
  }

  function openTab(more: Partial<NodeNokkelOptions> = {}) {
    return createFakeClient(server, { now, storage: shared.tab(), lock, ...options, ...more })
  }

  async function settled({ nokkel }: Client): Promise<void> {
    await nokkel.keys.settled()
    await nokkel.userKeys.settled()
    await nokkel.rfx.settled()
  }

  return {
    clock,
    server,
    shared,
    openTab,
    settled,
    /** Three tabs, in all of which Kari is logged in. */
    async tabsOfKari() {
      const tabs = [openTab(), openTab(), openTab()] as const
      for (const { nokkel } of tabs) await nokkel.start()
      await tabs[0].logIn()
      for (const tab of tabs) {
        await vi.waitFor(() => expect(tab.nokkel.auth.getSnapshot().status).toBe('signed_in'))
        await settled(tab)
      }
      return tabs
    },
    /** Logs in, and waits for nothing that comes after. */
    async enter({ nokkel, callback }: Client, person = server.coordinator) {
      server.logInAs(person)
      await nokkel.auth.signIn('vipps', consented)
      return nokkel.auth.completeSignIn(callback())
    },
    /** The next answer to this is given as of now, and comes when the gate is opened. */
    late(endpoint: Exchange['endpoint']) {
      const gate = createGate()
      server.intercept(endpoint, async (exchange) => {
        const answer = await server.respond(exchange)
        await gate.wait()
        return answer
      })
      return gate
    },
    /** By whom this is asked from now on. */
    askersOf(endpoint: Exchange['endpoint']): (string | undefined)[] {
      const askers: (string | undefined)[] = []
      server.observe((exchange) => {
        if (exchange.endpoint === endpoint) askers.push(sessionOf(exchange)?.user.name)
      })
      return askers
    },
    stored: async () => (await shared.inner.get('session_v1')) as SessionRecord | undefined,
    shown: ({ nokkel }: Client) => {
      const { status, me } = nokkel.auth.getSnapshot()
      return [status, me?.name]
    },
    codeOf: (task: Promise<unknown>) =>
      task.then(
        () => 'done',
        (error: { code?: string }) => error.code,
      ),
  }
}
