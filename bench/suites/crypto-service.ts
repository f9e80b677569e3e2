import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { encodeBase64, generateContentKey, importPrivateKey, importPublicKey, wrapKey } from '@nokkel/crypto'
import { migratePostgres } from '@nokkel/server/node'
import pg from 'pg'
import { readMigrations } from '../../tools/testing/migrations.ts'
import { startPostgres } from '../../tools/testing/postgres.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { compareRates, expectBelow, expectRatio, type Figure, median, percentile } from '../figure.ts'
import { type Load, type LoadOptions, type LoadRequest, load } from '../load.ts'
import { measureOpensslSpeed } from '../openssl-speed.ts'

const people = 64
const newcomerCount = 14_000
const rounds = 4
const roundMilliseconds = 1500
const batch = 20
// 64 clients together stay below what may wait.
const unwrapBatch = 10

type Work = Pick<LoadOptions, 'url' | 'request'>

/** A person with a session, a managed key and a project; all of them in one company. */
interface Person {
  readonly token: string
  readonly decrypt: { readonly action: 'decrypt'; readonly data: string; readonly iv: string }
  readonly rfxId: string
}

/**
 * What `/crypto-service` does at 1, 16 and 64 clients, on a Postgres that flushes every commit, beside a server that
 * neither asks whose key it is nor records who asked.
 */
export async function measure(): Promise<readonly Figure[]> {
  const postgres = await startPostgres({ durable: true })
  const children: ChildProcess[] = []
  const start = async (entry: URL, ...parameters: string[]) => {
    const child = fork(fileURLToPath(entry), parameters, { execArgv: ['--conditions=source'] })
    children.push(child)
    return { child, url: String((await once(child, 'message'))[0]) }
  }
  try {
    const owner = await prepareDatabase(postgres.url)
    const database = new URL(postgres.url)
    database.username = 'nokkel_server'
    const ours = await start(new URL('../processes/crypto-service.ts', import.meta.url), database.href)
    const { everyone, newcomers } = await prepare(owner, ours)
    await owner.end()
    const jwks = `${ours.url}/nokkel/.well-known/jwks.json`
    const ceiling = await start(
      new URL('../processes/ceiling.ts', import.meta.url),
      database.href,
      jwks,
      testPrivateKeys[0],
    )

    const post = (url: string, body: (person: Person) => unknown): Work => {
      const requests = everyone.map((person) => ({ token: person.token, body: body(person) }))
      return { url: `${url}/crypto-service`, request: (n) => requests[n % people] as LoadRequest }
    }
    // Each by somebody who has no key yet.
    const store = (body: unknown): Work => ({
      url: `${ours.url}/crypto-service`,
      request: () => ({ token: newcomers.pop() ?? '', body }),
    })
    const wrapped = (person: Person, via: 'user' | 'company') => ({ rfxId: person.rfxId, version: 1, via })
    const works = {
      ceiling: post(ceiling.url, ({ decrypt }) => decrypt),
      decrypt: post(ours.url, ({ decrypt }) => decrypt),
      'decrypt batch': post(ours.url, ({ decrypt: { action, ...item } }) => ({
        action,
        items: Array.from({ length: batch }, () => item),
      })),
      'unwrap user': post(ours.url, (person) => ({ action: 'unwrap', ...wrapped(person, 'user') })),
      'unwrap company': post(ours.url, (person) => ({ action: 'unwrap', ...wrapped(person, 'company') })),
      'unwrap batch': post(ours.url, (person) => ({
        action: 'unwrap',
        items: Array.from({ length: unwrapBatch }, () => wrapped(person, 'company')),
      })),
      encrypt: store({ action: 'encrypt', text: testPrivateKeys[0] }),
      'encrypt batch': store({ action: 'encrypt', items: testPrivateKeys.map((text) => ({ text })) }),
    }

    const figures: Figure[] = []
    for (const connections of [1, 16, 64]) {
      const clients = `${connections} ${connections === 1 ? 'client' : 'clients'}`
      const measured = await inTurns(works, connections)
      const baseline = { what: 'the unaudited ceiling', value: rateOf(measured.ceiling) }
      const decrypt = compareRates(`decrypt, ${clients}`, '/s', rateOf(measured.decrypt), baseline)
      figures.push(connections === 16 ? expectRatio(decrypt, 0.6) : decrypt)
      const slowest = slowestOf('  slowest of 100', measured.decrypt, measured.ceiling)
      figures.push(connections === 16 ? expectBelow(slowest, 10) : slowest)
      figures.push(
        compareRates(`decrypt, ${clients}, batches of ${batch}`, 'items/s', rateOf(measured['decrypt batch']) * batch, {
          what: 'decrypt, one at a time',
          value: rateOf(measured.decrypt),
        }),
        slowestOf('  slowest of 100', measured['decrypt batch']),
      )
      for (const name of ['unwrap user', 'unwrap company', 'encrypt'] as const) {
        figures.push({ what: `${name}, ${clients}`, value: rateOf(measured[name]), unit: '/s' })
        figures.push(slowestOf('  slowest of 100', measured[name]))
      }
      const unwraps = rateOf(measured['unwrap batch']) * unwrapBatch
      figures.push({ what: `unwrap company, ${clients}, batches of ${unwrapBatch}`, value: unwraps, unit: 'items/s' })
      const keys = testPrivateKeys.length
      const encrypts = rateOf(measured['encrypt batch']) * keys
      figures.push({ what: `encrypt, ${clients}, batches of ${keys}`, value: encrypts, unit: 'items/s' })
    }
    figures.push(await compareWithOpenssl(works['unwrap batch']))
    return figures
  } finally {
    for (const child of children) child.disconnect()
    await postgres.stop()
  }
}

/** Server and client share the cores here, while openssl has them for itself. */
async function compareWithOpenssl(unwraps: Work): Promise<Figure> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 3; round++) {
    ours.push((await load({ ...unwraps, connections: 16, milliseconds: 4000 })).rate * unwrapBatch)
    theirs.push(await measureOpensslSpeed(2, 4))
  }
  const baseline = { what: 'openssl speed, 2 processes', value: median(theirs) }
  return expectRatio(compareRates('RSA-4096 unwraps, 2 cores, through HTTP', '/s', median(ours), baseline), 0.9)
}

const rateOf = (loads: readonly Load[]) => median(loads.map(({ rate }) => rate))

function slowestOf(what: string, loads: readonly Load[], beside?: readonly Load[]): Figure {
  const p99 = (of: readonly Load[]) =>
    percentile(
      of.flatMap(({ milliseconds }) => milliseconds),
      0.99,
    )
  const figure = { what, value: p99(loads), unit: 'ms' }
  return beside ? { ...figure, baseline: { what: 'the unaudited ceiling', value: p99(beside) } } : figure
}

/** Runs each in every round, so that whatever else the machine does falls on all. */
async function inTurns<Name extends string>(
  works: Record<Name, Work>,
  connections: number,
): Promise<Record<Name, Load[]>> {
  const names = Object.keys(works) as Name[]
  const loads = Object.fromEntries(names.map((name): [Name, Load[]] => [name, []])) as Record<Name, Load[]>
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const measured = await load({ ...works[name], connections, milliseconds: roundMilliseconds })
      if (round >= 0) loads[name].push(measured)
    }
  }
  return loads
}

async function prepareDatabase(superuserUrl: string): Promise<pg.Client> {
  await migratePostgres(superuserUrl, readMigrations().migrations)
  const owner = new pg.Client({ connectionString: superuserUrl })
  await owner.connect()
  await owner.query('create table bench_key (user_id uuid primary key, data bytea not null)')
  await owner.query('grant select, insert on bench_key to nokkel_server')
  return owner
}

async function prepare(owner: pg.Client, ours: { child: ChildProcess; url: string }) {
  const organization = randomUUID()
  const company = randomUUID()
  const claims = Array.from({ length: people + newcomerCount }, () => ({
    sub: randomUUID(),
    sid: randomUUID(),
    organization,
  }))
  const subjects = claims.map(({ sub }) => sub)
  await owner.query(`insert into public.organization (id, slug, name) values ($1, 'bench', 'Bench')`, [organization])
  await owner.query(`insert into nokkel.crypto_quota values ($1, 1e15, 1e15, 1e15)`, [organization])
  await owner.query(`insert into public.app_user (auth_user_id, name) select unnest($1::uuid[]), 'Bench'`, [subjects])
  await owner.query(`insert into public.organization_member (organization_id, user_id) select $1, unnest($2::uuid[])`, [
    organization,
    subjects,
  ])
  await owner.query(
    `insert into nokkel.session (id, user_id, organization_id, provider, thumbprint, device_name, expires_at)
      select unnest($1::uuid[]), unnest($2::uuid[]), $3, 'bankid', repeat('A', 43), 'Bench', now() + interval '1 day'`,
    [claims.map(({ sid }) => sid), subjects, organization],
  )
  await owner.query(`insert into public.company (id, organization_id, name) values ($1, $2, 'Bench')`, [
    company,
    organization,
  ])
  await owner.query(
    `insert into public.company_member (company_id, organization_id, user_id, role)
      select $1, $2, unnest($3::uuid[]), 'administrator'`,
    [company, organization, subjects],
  )
  ours.child.send(claims)
  const [tokens] = (await once(ours.child, 'message')) as [string[]]
  const companyKey = await post(`${ours.url}/generate-company-keys`, tokens[0], { companyId: company })
  const everyone: Person[] = []
  for (const [n, { sub }] of claims.slice(0, people).entries()) {
    const token = tokens[n] ?? ''
    const text = testPrivateKeys[n % testPrivateKeys.length] as string
    const { keyId, data = '', iv = '' } = await post(`${ours.url}/crypto-service`, token, { action: 'encrypt', text })
    const rfxId = randomUUID()
    const { key } = await importPrivateKey(Buffer.from(text, 'base64'))
    await owner.query(`insert into public.rfxs (id, organization_id) values ($1, $2)`, [rfxId, organization])
    await owner.query(`insert into public.rfx_key_version (rfx_id, version) values ($1, 1)`, [rfxId])
    await owner.query(
      `insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id) values ($1, $2, $3, $4)`,
      [rfxId, sub, encodeBase64(await wrapKey(generateContentKey(), key)), keyId],
    )
    await owner.query(
      `insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id) values ($1, $2, $3, $4)`,
      [rfxId, company, await wrapTo(companyKey.publicKey), companyKey.id],
    )
    everyone.push({ token, decrypt: { action: 'decrypt', data, iv }, rfxId })
  }
  return { everyone, newcomers: tokens.slice(people) }
}

async function wrapTo(publicKey = ''): Promise<string> {
  const { key } = await importPublicKey(Buffer.from(publicKey, 'base64'))
  return encodeBase64(await wrapKey(generateContentKey(), key))
}

async function post(url: string, token = '', body: unknown): Promise<Record<string, string>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Record<string, string>
}
