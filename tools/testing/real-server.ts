import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSandbox, type Sandbox, signIn, type SignInOptions as VisitOptions } from '@nokkel/sandbox'
import { createNokkelServer, createProviderRegistry, givenRootKeys, type ProviderConnection } from '@nokkel/server'
import { sql } from 'kysely'
import { createMutex } from '../../packages/client/src/lock/lock.ts'
import { createNokkel, type NodeNokkelOptions } from '../../packages/client/src/node/index.ts'
import type { Nokkel } from '../../packages/client/src/nokkel.ts'
import { memoryStorage } from '../../packages/client/src/storage/memory-storage.ts'
import { fixedKeyGenerator } from '../../packages/client/src/testing/fixed-key-generator.ts'
import { createTestDatabase, type DatabaseEngine } from './database.ts'

const seed = readFileSync(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')
const organizations = ['likeperson', 'fjordhjelpen']

export type RealServer = Awaited<ReturnType<typeof startRealServer>>
export type RealDevice = ReturnType<RealServer['createDevice']>

/** Meets a request on its way. What it gives is the answer; `undefined`: the server answers. */
type Meet = (request: Request, answer: () => Promise<Response>) => Promise<Response | undefined>

export interface RealServerOptions {
  /** Default `postgres`. */
  readonly engine?: DatabaseEngine
  /** Whether organisations may ask for the personnummer. Default `false`. */
  readonly personnummer?: boolean
}

/** Where the apps of the providers open ours. */
export const appRedirectUriOf = (provider: string, organization: string) =>
  `no.example.app:/callback/${provider}/${organization}`
export const appCallbackUriOf = (provider: string, organization: string) =>
  `https://app.example.no/callback/${provider}/${organization}`

/** The real server with the seeded people, and the sandbox as its providers. */
export async function startRealServer({ engine = 'postgres', personnummer = false }: RealServerOptions = {}) {
  const clock = { aheadSeconds: 0 }
  const now = () => new Date(Date.now() + clock.aheadSeconds * 1000)
  const database = await createTestDatabase(engine)
  await database.owner.transaction().execute(async (transaction) => {
    for (const statement of seed.split(/;\n/)) if (statement.trim()) await sql.raw(statement).execute(transaction)
    // How people log in is what the operator configured.
    await sql`delete from public.vipps_org_config`.execute(transaction)
  })

  let sandbox: Sandbox | undefined
  const listener = createServer((request, response) => {
    if (!sandbox?.handle(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => listener.listen(0, resolve))
  const origin = `http://localhost:${(listener.address() as AddressInfo).port}`
  const clientsOf = (provider: 'bankid' | 'vipps') =>
    organizations.map((slug) => ({
      clientId: `nokkel-${slug}`,
      name: slug,
      clientSecret: 'for-tests-only',
      redirectUris: [`${origin}/callback/${provider}/${slug}`, appRedirectUriOf(provider, slug)],
      ...(provider === 'vipps' && { appCallbackUris: [appCallbackUriOf(provider, slug)] }),
      nationalNumber: personnummer,
    }))
  sandbox = createSandbox({ publicUrl: origin, clients: { bankid: clientsOf('bankid'), vipps: clientsOf('vipps') } })
  const { bankid, vipps } = sandbox
  const connections = organizations.flatMap((organization): ProviderConnection[] => {
    const authentication = { method: 'client_secret_basic', secret: 'for-tests-only' } as const
    const shared = { organization, clientId: `nokkel-${organization}`, authentication, personnummer }
    return [bankid, vipps].map(({ issuer }, index) => {
      const provider = index === 0 ? 'bankid' : 'vipps'
      const app = {
        appRedirectUri: appRedirectUriOf(provider, organization),
        appCallbackUri: appCallbackUriOf(provider, organization),
      }
      return { provider, issuer, ...shared, ...app }
    })
  })
  const server = createNokkelServer({
    database: database.server,
    publicUrl: origin,
    rootKeys: givenRootKeys({ masterKeys: ['5a'.repeat(32)], indexKeys: ['07'.repeat(32)] }),
    providers: createProviderRegistry(connections),
    mode: 'development',
    // Everybody here comes from one address.
    limits: { login: { address: Infinity, person: Infinity } },
    logger: () => {},
    now,
  })
  await server.ready()
  const open: Nokkel[] = []
  const meets: Meet[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const answer = async () => server.fetch(request)
    for (const meet of meets) {
      const met = await meet(request, answer)
      if (met) return met
    }
    return answer()
  }

  function createDevice(options: Partial<NodeNokkelOptions> = {}) {
    const launched: URL[] = []
    const { storage = memoryStorage(), lock = createMutex() } = options
    const nokkel: Nokkel = createNokkel({
      url: origin,
      organization: 'likeperson',
      fetch,
      now,
      keyGenerator: fixedKeyGenerator,
      deviceName: 'Test',
      urlLauncher: { launch: (url) => void launched.push(url) },
      ...options,
      storage,
      lock,
    })
    open.push(nokkel)
    return {
      nokkel,
      storage,
      launched,
      /** Walks through the pages the person was sent to. The URL they come back to. */
      visit: async (person: VisitOptions['person'], more: Omit<VisitOptions, 'person'> = {}) =>
        new URL(await signIn(launched.at(-1) ?? '', { person, ...more })),
      async logIn(person: string, provider: 'bankid' | 'vipps' = 'vipps') {
        await nokkel.auth.signIn(provider, { consent: { personnummer: true } })
        const callback = await signIn(launched.at(-1) ?? '', { person })
        await nokkel.auth.completeSignIn(new URL(callback))
        const settled = await nokkel.keys.settled()
        await nokkel.userKeys.settled()
        await nokkel.rfx.settled()
        return settled
      },
      /** The same device in another tab: with the same storage and session. */
      async reopen(): Promise<Nokkel> {
        const { nokkel: tab } = createDevice({ ...options, storage, lock })
        await tab.start()
        await tab.keys.settled()
        await tab.userKeys.settled()
        return tab
      },
    }
  }

  return {
    origin,
    sandbox,
    clock,
    now,
    database,
    fetch,
    /** Puts something between all clients and the server, until what it gives is called. */
    meet(meet: Meet) {
      meets.push(meet)
      return () => void meets.splice(meets.indexOf(meet), 1)
    },
    /** A client on a device of its own, and somebody who logs in there through the pages of the sandbox. */
    createDevice,
    async close() {
      for (const nokkel of open) nokkel.close()
      await server.close()
      sandbox.close()
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
      await database.close()
    },
  }
}
