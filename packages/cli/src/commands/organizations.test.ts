import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson } from '../../../../tools/testing/people.ts'
import { nokkel } from '../testing/transcript.ts'

const partners = fileURLToPath(new URL('../../../../supabase/partners.json', import.meta.url))
const randomKeys = () => ({
  MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  INDEX_KEY: randomBytes(32).toString('hex'),
})
const secrets = {
  VIPPS_LIKEPERSON_CLIENT_ID: 'planted-id-1',
  VIPPS_LIKEPERSON_CLIENT_SECRET: 'planted-secret-1',
  VIPPS_HJERTELAGET_CLIENT_ID: 'planted-id-2',
  VIPPS_HJERTELAGET_CLIENT_SECRET: 'planted-secret-2',
  VIPPS_FJORDHJELPEN_CLIENT_ID: 'planted-id-3',
  VIPPS_FJORDHJELPEN_CLIENT_SECRET: 'planted-secret-3',
  VIPPS_NORDLYS_CLIENT_ID: 'planted-id-4',
  VIPPS_NORDLYS_CLIENT_SECRET: 'planted-secret-4',
}
const slugs = ['likeperson', 'hjertelaget', 'fjordhjelpen', 'nordlys']

describe('nokkel organizations', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let directory: string
  let keys: Record<string, string>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    directory = mkdtempSync(join(tmpdir(), 'nokkel-organizations-'))
    keys = { DATABASE_URL: database.url ?? '', ...randomKeys() }
  })
  afterAll(async () => {
    rmSync(directory, { recursive: true })
    await database.close()
  })

  const run = (words: readonly string[], env: Record<string, string> = keys) =>
    nokkel(['organizations', ...words], { env })
  const describeIn = (name: string, content: unknown) => {
    const file = join(directory, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }
  const look = async <Row>(query: ReturnType<typeof sql<Row>>) => (await query.execute(database.owner)).rows
  const stored = () =>
    look(sql<{ slug: string; secret_set: boolean; revision: number }>`
      select o.slug, c.client_id, c.environment, c.enabled, c.secret_set, c.revision, c.updated_by
      from public.vipps_org_config c join public.organization o on o.id = c.organization_id order by o.slug`)

  it('apply says what it would do, and does nothing', async () => {
    expect(await run(['list'])).toEqual({
      status: 0,
      stdout: 'There is no organisation; see nokkel organizations apply.',
      stderr: '',
    })
    const { status, stdout, stderr } = await run(['apply', partners, '--dry-run'], { ...keys, ...secrets })
    // The root keys of a database that nobody has opened are nobody's yet.
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual(
      slugs.map((slug) => expect.stringMatching(`^${slug}  would change: created, vipps\\.`)),
    )
    expect(await stored()).toEqual([])
  })

  it('apply makes the partners with one command, and again changes nothing', async () => {
    const first = await run(['apply', partners], { ...keys, ...secrets })
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout.split('\n')).toEqual(
      slugs.map((slug) => expect.stringMatching(`^${slug}  changed: created, vipps\\..*vipps\\.clientSecret$`)),
    )
    expect(first.stdout).not.toContain('planted')
    const rows = await stored()
    expect(rows).toHaveLength(4)
    expect(rows).toContainEqual({
      slug: 'likeperson',
      client_id: 'planted-id-1',
      environment: 'production',
      enabled: true,
      secret_set: true,
      revision: 1,
      updated_by: null,
    })
    const audit = () => look(sql`select id from nokkel.audit_log`)
    const before = await audit()
    expect(await run(['apply', partners], { ...keys, ...secrets })).toEqual({
      status: 0,
      stdout: slugs.map((slug) => `${slug}  unchanged`).join('\n'),
      stderr: '',
    })
    expect(await stored()).toEqual(rows)
    expect(await audit()).toEqual(before)
    expect(JSON.stringify(await look(sql`select * from nokkel.audit_log`))).not.toContain('planted')
  })

  it('apply leaves out what has no variable, does the rest, and says so', async () => {
    const { VIPPS_NORDLYS_CLIENT_SECRET: _, VIPPS_HJERTELAGET_CLIENT_ID: __, ...some } = secrets
    const rows = await stored()
    const { status, stdout } = await run(['apply', partners], { ...keys, ...some })
    expect(status).toBe(1)
    expect(stdout.split('\n')).toEqual([
      'likeperson  unchanged',
      'hjertelaget  unchanged',
      'hjertelaget  left out: VIPPS_HJERTELAGET_CLIENT_ID is not set',
      'fjordhjelpen  unchanged',
      'nordlys  unchanged',
      'nordlys  left out: VIPPS_NORDLYS_CLIENT_SECRET is not set',
    ])
    expect(await stored()).toEqual(rows)
  })

  it('apply changes what is otherwise, and leaves what is not said', async () => {
    const file = describeIn('changes.json', [
      {
        slug: 'nordlys',
        name: 'Nordlys nord',
        vipps: { clientId: 'planted-id-4', confirmInApp: true },
        cost: { monthlyCap: 9 },
      },
    ])
    const changed =
      'nordlys  changed: name, vipps.confirmInApp, cost.costCentre, cost.pricePerLoginOre, cost.monthlyCap'
    expect(await run(['apply', file])).toEqual({ status: 0, stdout: changed, stderr: '' })
    expect(await look(sql`select name, enrollment from public.organization where slug = 'nordlys'`)).toEqual([
      { name: 'Nordlys nord', enrollment: 'invited' },
    ])
    expect((await stored()).find(({ slug }) => slug === 'nordlys')).toMatchObject({ secret_set: true, revision: 2 })
    const again = await run(['apply', file, '--json'])
    expect(JSON.parse(again.stdout)).toEqual({
      organizations: [{ slug: 'nordlys', changes: [], missing: [], problem: null }],
    })
  })

  it('apply sets for how long personal data is kept, within bounds, and leaves it when it is not said', async () => {
    const days = () => look(sql`select retention_days from public.organization where slug = 'nordlys'`)
    const file = describeIn('retention.json', [{ slug: 'nordlys', name: 'Nordlys nord', retentionDays: 400 }])
    expect(await days()).toEqual([{ retention_days: 1095 }])
    expect((await run(['apply', file])).stdout).toBe('nordlys  changed: retentionDays')
    expect(await days()).toEqual([{ retention_days: 400 }])
    const silent = describeIn('silent.json', [{ slug: 'nordlys', name: 'Nordlys nord' }])
    expect((await run(['apply', silent])).stdout).toBe('nordlys  unchanged')
    for (const retentionDays of [29, 3651, 30.5, '400', null]) {
      const wrong = describeIn('wrong.json', [{ slug: 'nordlys', name: 'Nordlys nord', retentionDays }])
      const { status, stderr } = await run(['apply', wrong])
      expect(status).toBe(1)
      expect(stderr).toContain('is wrong at 0.retentionDays')
    }
    expect(await days()).toEqual([{ retention_days: 400 }])
  })

  it('apply gives another client no secret of the one before, also when it only looks', async () => {
    const file = describeIn('moved.json', [{ slug: 'nordlys', name: 'Nordlys nord', vipps: { clientId: 'another' } }])
    for (const options of [['--dry-run'], []]) {
      const { status, stdout } = await run(['apply', file, ...options])
      expect(status).toBe(1)
      expect(stdout).toMatch(/^nordlys {2}unchanged\nnordlys {2}refused: another client or environment needs its own/)
    }
    const uri = describeIn('uri.json', [
      {
        slug: 'nordlys',
        name: 'Nordlys nord',
        vipps: { clientId: 'planted-id-4', appRedirectUri: 'https://x.example/' },
      },
    ])
    expect(await run(['apply', uri])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('refused: an app URI'),
    })
    const app = describeIn('app.json', [
      {
        slug: 'nordlys',
        name: 'Nordlys nord',
        vipps: { clientId: 'planted-id-4', appRedirectUri: 'https://x.example/callback/vipps/nordlys' },
      },
    ])
    expect(await run(['apply', app])).toMatchObject({ status: 1, stdout: expect.stringContaining('APP_ORIGINS') })
    const known = { ...keys, APP_ORIGINS: 'https://x.example' }
    expect(await run(['apply', app, '--dry-run'], known)).toMatchObject({
      status: 0,
      stdout: 'nordlys  would change: vipps.appRedirectUri',
    })
    expect((await stored()).find(({ slug }) => slug === 'nordlys')).toMatchObject({
      client_id: 'planted-id-4',
      revision: 2,
    })
  })

  it('apply stores a secret anew under the master key that wraps now', async () => {
    const [old, rest] = [keys.MASTER_ENCRYPTION_KEY ?? '', keys]
    const newer = {
      ...rest,
      ...secrets,
      MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      MASTER_ENCRYPTION_KEYS_OLD: old,
    }
    const { status, stdout } = await run(['apply', partners], newer)
    expect({ status, lines: stdout.split('\n') }).toEqual({
      status: 0,
      lines: [
        ...slugs.slice(0, 3).map((slug) => `${slug}  changed: vipps.clientSecret`),
        'nordlys  changed: name, vipps.clientSecret',
      ],
    })
    expect(await look(sql`select count(distinct master_key_id)::int as keys from public.vipps_org_config`)).toEqual([
      { keys: 1 },
    ])
    expect((await run(['apply', partners], newer)).stdout).toBe(slugs.map((slug) => `${slug}  unchanged`).join('\n'))
    keys = { ...keys, MASTER_ENCRYPTION_KEY: newer.MASTER_ENCRYPTION_KEY, MASTER_ENCRYPTION_KEYS_OLD: old }
  })

  it.each([
    ['no JSON', '{', 'is not JSON.'],
    ['no list', {}, 'is wrong at the top'],
    ['an unknown member', [{ slug: 'a', name: 'A', issuer: 'https://evil.example' }], 'is wrong at 0'],
    ['a slug that is none', [{ slug: 'A b', name: 'A' }], 'is wrong at 0.slug'],
    [
      'a secret in the file',
      [{ slug: 'a', name: 'A', vipps: { clientId: 'a', clientSecret: 'planted' } }],
      '0.vipps.clientSecret',
    ],
    [
      'an issuer of its own',
      [{ slug: 'a', name: 'A', vipps: { clientId: 'a', environment: 'https://x' } }],
      '0.vipps.environment',
    ],
    [
      'the same twice',
      [
        { slug: 'a', name: 'A' },
        { slug: 'a', name: 'B' },
      ],
      'describes a twice',
    ],
  ])('apply refuses a file with %s, and changes nothing', async (what, content, expected) => {
    const file = describeIn(`${what.replaceAll(' ', '-')}.json`, content)
    const { status, stdout, stderr } = await run(['apply', file])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(expected)
    expect(stderr).not.toContain('planted')
    expect(await look(sql`select slug from public.organization where slug = 'a'`)).toEqual([])
  })

  it('apply needs root keys that are those of the database, where it stores a secret', async () => {
    const all: Record<string, string> = { ...keys, ...secrets }
    const { MASTER_ENCRYPTION_KEY: _, INDEX_KEY: __, ...without } = all
    expect(await run(['apply', partners], without)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^There are no root keys/),
    })
    const others = { ...secrets, DATABASE_URL: keys.DATABASE_URL ?? '', ...randomKeys() }
    expect(await run(['apply', partners], others)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('The master key is not the one'),
    })
    const file = describeIn('plain.json', [{ slug: 'plain', name: 'Plain' }])
    expect(await run(['apply', file], { DATABASE_URL: keys.DATABASE_URL ?? '' })).toMatchObject({ status: 0 })
  })

  it('list says how people log in, and what to see to', async () => {
    const { status, stdout } = await run(['list'])
    expect(status).toBe(1)
    expect(stdout).toContain(
      [
        'nordlys  Nordlys: Vipps (on), assurance low, 0 of 9 logins by Vipps this month',
        '  · vipps_cost_unset: cost centre or price of Vipps is not set',
        '  · personnummer_not_approved: Vipps may not be asked for the personnummer',
        '  · bankid_unconfigured: BankID is not in PROVIDERS',
        'plain  Plain: no way in, assurance low',
        '  · no_way_in: nobody can log in',
      ].join('\n'),
    )
    expect(stdout).not.toContain('planted')
    const bankid = (organization: string) => ({
      provider: 'bankid',
      organization,
      issuer: 'https://auth.bankid.no/auth/realms/prod',
      clientId: 'client',
      authentication: { method: 'client_secret_basic', secret: 'planted' },
    })
    const PROVIDERS = JSON.stringify([...slugs, 'plain'].map(bankid))
    const json = await run(['list', '--json'], { ...keys, PROVIDERS })
    expect(json.status).toBe(0)
    const { organizations } = JSON.parse(json.stdout)
    expect(organizations.find(({ slug }: { slug: string }) => slug === 'plain')).toEqual({
      slug: 'plain',
      name: 'Plain',
      minimumAssurance: 'low',
      vipps: null,
      bankid: true,
      logins: 0,
      monthlyCap: null,
      warnings: ['vipps_unconfigured'],
    })
  })

  it('appoint makes the first administrator, once, and records it', async () => {
    const elsewhere = await createOrganization(database)
    const id = await createPerson(database, elsewhere)
    const appoint = (...words: string[]) => run(['appoint', ...words])
    expect(await appoint('nordlys', id)).toEqual({
      status: 0,
      stdout: `${id} is administrator of nordlys now.`,
      stderr: '',
    })
    expect((await appoint('nordlys', id.toUpperCase())).stdout).toBe(`${id} is administrator of nordlys already.`)
    const role = () =>
      look(sql`select m.role from public.organization_member m join public.organization o on o.id = m.organization_id
        where o.slug = 'nordlys' and m.user_id = ${id}::uuid`)
    expect(await role()).toEqual([{ role: 'administrator' }])
    expect(await appoint('nordlys', id, '--role', 'coordinator')).toMatchObject({ status: 0 })
    expect(await role()).toEqual([{ role: 'coordinator' }])
    const log = await look(sql<{ subject_id: string }>`
      select subject_id, actor from nokkel.audit_log where action = 'organization_member.appoint' order by id`)
    expect(log).toEqual([
      { subject_id: expect.stringMatching(/\/administrator$/), actor: null },
      { subject_id: expect.stringMatching(/\/coordinator$/), actor: null },
    ])
    expect(JSON.stringify(log)).not.toContain(id)
  })

  it('appoint refuses whom there is none of', async () => {
    const id = crypto.randomUUID()
    expect(await run(['appoint', 'nordlys', id])).toEqual({
      status: 1,
      stdout: '',
      stderr: `There is no account ${id}, or it was merged into another one.`,
    })
    expect(await run(['appoint', 'nowhere', id])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^There is no organisation nowhere/),
    })
    const survivor = await createPerson(database, await createOrganization(database))
    const former = await createPerson(database, await createOrganization(database))
    await sql`insert into nokkel.former_account (user_id, survivor_id) values (${former}::uuid, ${survivor}::uuid)`.execute(
      database.owner,
    )
    expect(await run(['appoint', 'nordlys', former])).toMatchObject({ status: 1, stdout: '' })
  })

  it.each([
    [['apply'], 'FILE is missing.'],
    [['apply', 'a', 'b'], '"b" is one too many.'],
    [['appoint', 'nordlys'], 'USER_ID is missing.'],
    [['appoint', 'nordlys', 'x'], 'USER_ID is an id'],
    [['appoint', 'nordlys', crypto.randomUUID(), '--role', 'owner'], '--role takes'],
    [['list', 'x'], 'x'],
    [['list', '--all'], '--all'],
  ])('%j is told how it is called', async (words, expected) => {
    expect(await run(words)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(expected) })
  })

  it('apply says that a file is not there', async () => {
    expect(await run(['apply', 'nowhere.json'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'nowhere.json cannot be read: ENOENT.',
    })
  })

  it.each(['apply', 'list', 'appoint'])('%s explains itself', async (command) => {
    const { status, stdout } = await run([command, '--help'])
    expect(status).toBe(0)
    expect(stdout).toMatch(new RegExp(`^nokkel organizations ${command}: .+\\n\\n {2}nokkel organizations ${command}`))
  })
})
