import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Nokkel } from '@nokkel/client'
import { createNokkel, type NodeNokkelOptions } from '@nokkel/client/node'
import { createSandbox, type Sandbox, signIn } from '@nokkel/sandbox'
import { createNokkelServer, createProviderRegistry, givenRootKeys } from '@nokkel/server'
import { sql } from 'kysely'
import { createMutex } from '../../../packages/client/src/lock/lock.ts'
import { memoryStorage } from '../../../packages/client/src/storage/memory-storage.ts'
import { fixedKeyGenerator } from '../../../packages/client/src/testing/fixed-key-generator.ts'
import { createTestDatabase, type DatabaseEngine } from '../../../tools/testing/database.ts'

const seed = readFileSync(new URL('../../../supabase/seed.sql', import.meta.url), 'utf8')
const organization = 'fjordhjelpen'
const clientSecret = 'for-tests-only'

/** People of Fjordhjelpen as the seed has them, and how they log in. */
export const people = {
  /** Buyers: Fjordhjelpen Innkjøp. */
  silje: { person: 'fjordhjelpen-koordinator', provider: 'vipps' },
  kari: { person: 'likeperson-medlem-1', provider: 'bankid' },
  /** Developers. */
  marit: { person: 'administrator', provider: 'vipps' },
  ingrid: { person: 'likeperson-koordinator', provider: 'bankid' },
  /** Åsgårdstrand Rør; Gáhpir Trebygg; Fjell Malermester. */
  bjorn: { person: 'fjordhjelpen-medlem-1', provider: 'vipps' },
  aile: { person: 'fjordhjelpen-medlem-2', provider: 'vipps' },
  ola: { person: 'likeperson-medlem-2', provider: 'bankid' },
} as const

export const companies = {
  innkjop: '5eed0000-0000-4000-8003-000000000004',
  ror: '5eed0000-0000-4000-8003-000000000003',
  trebygg: '5eed0000-0000-4000-8003-000000000002',
  maler: '5eed0000-0000-4000-8003-000000000005',
} as const

/** Meets a request on its way. What it gives is the answer; `undefined`: the server answers. */
export type Meet = (request: Request, answer: () => Promise<Response>) => Promise<Response | undefined>

export interface Device {
  readonly nokkel: Nokkel
  /** Id of the person. */
  readonly id: string
  readonly storage: ReturnType<typeof memoryStorage>
  /** The same device in another tab: with the same storage and session. */
  reopen(): Promise<Nokkel>
}

export type RealServer = Awaited<ReturnType<typeof startRealServer>>

/** The real server with the seeded people, and the sandbox as its providers. */
export async function startRealServer(engine: DatabaseEngine) {
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
  const clientId = `nokkel-${organization}`
  const clientOf = (provider: string) => [
    { clientId, name: organization, clientSecret, redirectUris: [`${origin}/callback/${provider}/${organization}`] },
  ]
  sandbox = createSandbox({ publicUrl: origin, clients: { bankid: clientOf('bankid'), vipps: clientOf('vipps') } })
  const { bankid, vipps } = sandbox
  const connection = {
    organization,
    clientId,
    authentication: { method: 'client_secret_basic', secret: clientSecret },
  } as const
  const server = createNokkelServer({
    database: database.server,
    publicUrl: origin,
    rootKeys: givenRootKeys({ masterKeys: ['5a'.repeat(32)], indexKeys: ['07'.repeat(32)] }),
    providers: createProviderRegistry([
      { provider: 'bankid', issuer: bankid.issuer, ...connection },
      { provider: 'vipps', issuer: vipps.issuer, ...connection },
    ]),
    mode: 'development',
    logger: () => {},
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

  return {
    origin,
    database,
    fetch,
    /** Puts something between all clients and the server, until what it gives is called. */
    meet(meet: Meet) {
      meets.push(meet)
      return () => void meets.splice(meets.indexOf(meet), 1)
    },
    /** Somebody logs in on a device of their own. */
    async logIn(name: keyof typeof people, options: Partial<NodeNokkelOptions> = {}): Promise<Device> {
      const { person, provider } = people[name]
      const launched: URL[] = []
      const storage = memoryStorage()
      const lock = createMutex()
      const create = () => {
        const nokkel = createNokkel({
          url: origin,
          organization,
          fetch,
          storage,
          lock,
          keyGenerator: fixedKeyGenerator,
          deviceName: name,
          urlLauncher: { launch: (url) => void launched.push(url) },
          ...options,
        })
        open.push(nokkel)
        return nokkel
      }
      const nokkel = create()
      await nokkel.auth.signIn(provider, { consent: { personnummer: true } })
      await nokkel.auth.completeSignIn(new URL(await signIn(launched.at(-1) ?? '', { person })))
      const keys = await nokkel.keys.settled()
      const userKeys = await nokkel.userKeys.settled()
      if (keys.status !== 'ready' || userKeys.status !== 'ready')
        throw new Error(`${name}: ${keys.status}, ${userKeys.status}`)
      const id = nokkel.auth.getSnapshot().me?.id ?? ''
      return {
        nokkel,
        id,
        storage,
        async reopen() {
          const again = create()
          await again.start()
          await again.keys.settled()
          await again.userKeys.settled()
          return again
        },
      }
    },
    /** Moves the deadline of a project, which nobody may do but the owner of the database. */
    async moveDeadline(rfxId: string, seconds: number) {
      await sql`update public.rfxs set deadline = now() + make_interval(secs => ${seconds}) where id = ${rfxId}::uuid`.execute(
        database.owner,
      )
    },
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
