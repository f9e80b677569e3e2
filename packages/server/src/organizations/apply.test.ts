import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createPerson, logIn } from '../../../../tools/testing/people.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { unwrapClientSecret } from '../login-settings/client-secret.ts'
import { selectSetups } from '../login-settings/store.ts'
import { applyOrganizations } from './apply.ts'
import type { OrganizationDescription } from './description.ts'

describe.each(databaseEngines)('applying organisations [%s]', (engine) => {
  let database: TestDatabase
  let slug: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())
  beforeEach(() => {
    slug = `org-${crypto.randomUUID().slice(0, 8)}`
  })

  const rootKeys = () => givenRootKeys({ masterKeys: ['0123456789abcdef'.repeat(4)], indexKeys: ['00'.repeat(32)] })
  const describeOne = (changes: Partial<OrganizationDescription> = {}): OrganizationDescription => ({
    slug,
    name: 'Ny organisasjon',
    vipps: { clientId: 'client', clientSecret: 'a secret' },
    cost: { costCentre: 'KS 4711', pricePerLoginOre: 149, monthlyCap: 100 },
    ...changes,
  })
  const apply = (organizations: readonly OrganizationDescription[], dryRun = false) =>
    applyOrganizations({ database: database.server, organizations, rootKeys: rootKeys(), dryRun, mode: 'development' })
  const stored = async () => (await selectSetups(database.server, [slug]))[0]
  const secretOf = async () => {
    const setup = await stored()
    const { keyring } = createServerKeys(rootKeys(), {
      database: database.server,
      logger: () => undefined,
      production: false,
    })
    if (!setup?.wrappedClientSecret) return undefined
    return unwrapClientSecret(keyring, setup.organizationId, setup.wrappedClientSecret)
  }

  it('makes them, and a second time changes nothing', async () => {
    expect((await apply([describeOne()], true))[0]?.changes[0]).toBe('created')
    expect(await stored()).toBeUndefined()
    const [made] = await apply([describeOne()])
    expect(made).toMatchObject({ slug, missing: [], problem: null })
    expect(made?.changes).toEqual(expect.arrayContaining(['created', 'vipps.clientSecret', 'cost.monthlyCap']))
    expect(await stored()).toMatchObject({
      name: 'Ny organisasjon',
      enrollment: 'open',
      devicePolicy: 'one',
      minimumAssurance: 'low',
      retentionDays: 1095,
      vipps: { enabled: true, environment: 'production', clientId: 'client', secretSet: true },
      cost: { costCentre: 'KS 4711', pricePerLoginOre: 149, monthlyCap: 100 },
      revision: 1,
    })
    expect(await secretOf()).toBe('a secret')
    expect(await apply([describeOne()])).toEqual([{ slug, changes: [], missing: [], problem: null }])
    expect(await stored()).toMatchObject({ revision: 1 })
  })

  it('replaces a secret, and keeps the one that is not said', async () => {
    await apply([describeOne()])
    const replaced = await apply([describeOne({ vipps: { clientId: 'client', clientSecret: 'another' } })])
    expect(replaced[0]?.changes).toEqual(['vipps.clientSecret'])
    expect(await secretOf()).toBe('another')
    await apply([describeOne({ vipps: { clientId: 'client', enabled: false } })])
    expect(await secretOf()).toBe('another')
    expect(await stored()).toMatchObject({ vipps: { enabled: false }, revision: 3 })
  })

  it('goes on where it was stopped', async () => {
    // The versions of the master key are there, and none may wrap any more: it stops before the secret.
    await apply([{ slug: `${slug}-before`, name: 'x', vipps: { clientId: 'c', clientSecret: 's' } }])
    const { rows } = await sql<{ wraps: string }>`select wraps from nokkel.master_key_version`.execute(database.owner)
    await sql`update nokkel.master_key_version set wraps = 4294967296`.execute(database.owner)
    await expect(apply([describeOne()])).rejects.toMatchObject({ code: 'master_key_exhausted' })
    expect(await stored()).toMatchObject({ vipps: null, cost: null })
    await sql`update nokkel.master_key_version set wraps = ${rows[0]?.wraps}::bigint`.execute(database.owner)
    const [finished] = await apply([describeOne()])
    expect(finished?.changes).not.toContain('created')
    expect(await secretOf()).toBe('a secret')
    expect(await stored()).toMatchObject({ cost: { monthlyCap: 100 } })
  })

  it('comes to the same when two do it at once', async () => {
    await Promise.all([apply([describeOne()]), apply([describeOne()])])
    expect(await secretOf()).toBe('a secret')
    expect(await apply([describeOne()])).toMatchObject([{ changes: [] }])
    const { rows } = await sql`select from public.organization where slug = ${slug}`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('takes only an app that the operator says there is', async () => {
    const appRedirectUri = `https://app.example.no/callback/vipps/${slug}`
    const appCallbackUri = `no.example.app:/callback/vipps/${slug}`
    const applyWith = async (appOrigins?: readonly string[]) => {
      const vipps = { clientId: 'client', appRedirectUri, appCallbackUri }
      const options = { database: database.server, organizations: [describeOne({ vipps })] }
      return (await applyOrganizations({ ...options, ...(appOrigins && { appOrigins }) }))[0]?.problem
    }
    for (const appOrigins of [undefined, ['https://app.example.no'], ['no.example.app:', 'https://example.no']]) {
      expect(await applyWith(appOrigins)).toBe('redirect_uri_invalid')
      expect((await stored())?.vipps).toBeNull()
    }
    expect(await applyWith(['no.example.app:', 'https://app.example.no'])).toBeNull()
    expect((await stored())?.vipps).toMatchObject({ appRedirectUri, appCallbackUri })
  })

  it('ends the sessions that came from less than it asks for', async () => {
    await apply([describeOne()])
    const { organizationId } = (await stored()) as { organizationId: string }
    const enter = async (assurance: 'low' | 'high') =>
      logIn(database, organizationId, await createPerson(database, organizationId), { assurance })
    const sessions = [await enter('low'), await enter('high')]
    await apply([describeOne({ minimumAssurance: 'substantial' })])
    const { rows } = await sql<{ id: string; reason: string | null }>`
      select id, ended_reason as reason from nokkel.session where organization_id = ${organizationId}::uuid`.execute(
      database.owner,
    )
    const reasons = new Map(rows.map(({ id, reason }) => [id, reason]))
    expect(sessions.map(({ claims }) => reasons.get(claims.sid))).toEqual(['revoked', null])
  })

  it('refuses a secret without root keys', async () => {
    const applying = applyOrganizations({ database: database.server, organizations: [describeOne()] })
    await expect(applying).rejects.toThrow(TypeError)
    expect(await stored()).toBeUndefined()
  })

  it('records every change as the operator’s, without a value', async () => {
    await apply([describeOne()])
    const { rows } = await sql<{ action: string }>`
      select l.action, l.actor, l.outcome from nokkel.audit_log l join public.organization o on o.id = l.organization_id
      where o.slug = ${slug} order by l.id`.execute(database.owner)
    const row = (action: string) => ({ action, actor: null, outcome: 'allowed' })
    expect(rows).toEqual(
      ['organization.apply', 'vipps_config.change', 'vipps_secret.change', 'vipps_cost.change'].map(row),
    )
    const { rows: log } = await sql`select * from nokkel.audit_log`.execute(database.owner)
    expect(JSON.stringify(log)).not.toMatch(/a secret|KS 4711/)
  })
})
