import { once } from 'node:events'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { countAccounts, forgetEverybody, suspicions } from '../../tools/testing/linking.ts'
import { firstPerson } from '../../tools/testing/login.ts'
import { createOrganization } from '../../tools/testing/people.ts'
import { freePort, spawn } from './testing/fragile-server.ts'
import { type Address, goToProvider, type PlainLoginOptions, send } from './testing/plain-login.ts'
import { startSandbox } from './testing/sandbox-host.ts'
import type { ServerPlan } from './testing/server-plan.ts'

const organizations = ['likeperson', 'fjordhjelpen']
const withoutNumber = { id: firstPerson, nationalNumber: null }

describe('many first logins of one person over two server processes [postgres]', () => {
  let database: TestDatabase
  let addresses: readonly [Address, Address]
  let close: () => Promise<void>

  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    for (const slug of organizations) await createOrganization(database, { slug })
    const ports = [await freePort(), await freePort()] as const
    const publicUrl = `http://localhost:${ports[0]}`
    const sandbox = await startSandbox(publicUrl, organizations)
    const plan: ServerPlan = {
      database: { url: database.url ?? '' },
      publicUrl,
      masterKey: '07'.repeat(32),
      points: [],
      maximumConnections: 10,
      loginsPerMinute: 10_000,
      clients: sandbox.clients,
    }
    const children = ports.map(() => spawn())
    for (const [index, child] of children.entries()) {
      child.send({ ...plan, port: ports[index] })
      await once(child, 'message')
    }
    expect(new Set(children.map(({ pid }) => pid)).size).toBe(2)
    addresses = [{ publicUrl }, { publicUrl, url: `http://localhost:${ports[1]}` }]
    close = async () => {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map((child) => once(child, 'exit')))
      sandbox.close()
      await database.close()
    }
  }, 60_000)
  beforeEach(() => forgetEverybody(database))
  afterAll(() => close?.())

  /** All of them go to the provider first, then all come back at the same time, to both processes in turn. */
  async function returnAtOnce(logins: readonly PlainLoginOptions[]) {
    const returned = []
    for (const [index, login] of logins.entries()) {
      returned.push(await goToProvider(addresses[index % 2 ? 0 : 1], login))
    }
    const answers = await Promise.all(
      returned.map(({ body, signing }, index) =>
        send(addresses[index % 2 ? 1 : 0], 'POST', '/nokkel/login/complete', { body, signing }),
      ),
    )
    const outcomes = answers.map(({ body }) => body.outcome ?? body.code)
    const users = new Set(answers.flatMap(({ body }) => body.userId ?? []))
    return { outcomes: tally(outcomes), users }
  }
  const count = async (table: string) =>
    (await sql<{ count: number }>`select count(*)::int as count from ${sql.table(table)}`.execute(database.owner))
      .rows[0]?.count

  it('by both providers, with the same verified personnummer, make exactly one account', {
    timeout: 120_000,
  }, async () => {
    const { outcomes, users } = await returnAtOnce(
      Array.from({ length: 50 }, (_, index) => ({
        provider: index % 4 < 2 ? ('vipps' as const) : ('bankid' as const),
        organization: 'likeperson',
        person: firstPerson,
      })),
    )
    expect(outcomes).toEqual({ account_created: 1, identity_linked: 1, signed_in: 48 })
    expect(users.size).toBe(1)
    expect(await countAccounts(database)).toBe(1)
    expect(await count('public.external_identity')).toBe(2)
    expect(await count('public.user_identities')).toBe(1)
    expect(await count('nokkel.person_key')).toBe(1)
    expect(await count('nokkel.session')).toBe(50)
    expect(await suspicions(database)).toEqual([])
  })

  it.each([
    ['BankID', 'bankid', firstPerson],
    ['Vipps, without a number', 'vipps', withoutNumber],
  ] as const)('by %s make exactly one account', { timeout: 120_000 }, async (_, provider, person) => {
    const logins = Array.from({ length: 50 }, () => ({ provider, organization: 'likeperson', person }))
    const { outcomes, users } = await returnAtOnce(logins)
    expect(outcomes).toEqual({ account_created: 1, signed_in: 49 })
    expect(users.size).toBe(1)
    expect(await countAccounts(database)).toBe(1)
    expect(await count('public.external_identity')).toBe(1)
    expect(await count('nokkel.session')).toBe(50)
  })

  it('by the Vipps of two organisations make one account each, and the pair is noted', {
    timeout: 120_000,
  }, async () => {
    const { outcomes, users } = await returnAtOnce(
      Array.from({ length: 20 }, (_, index) => ({
        provider: 'vipps' as const,
        organization: organizations[index % 4 < 2 ? 0 : 1] ?? '',
        person: withoutNumber,
      })),
    )
    expect(outcomes).toEqual({ account_created: 2, signed_in: 18 })
    expect(await suspicions(database)).toEqual([{ evidence: 'phone_and_email', pair: [...users].sort() }])
  })
})

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}
