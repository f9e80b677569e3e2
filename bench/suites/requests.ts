import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { migratePostgres } from '@nokkel/server/node'
import pg from 'pg'
import { arrive } from '../../tests/faults/testing/visitor.ts'
import { readMigrations } from '../../tools/testing/migrations.ts'
import { startPostgres } from '../../tools/testing/postgres.ts'
import { compareRates, type Figure, median, percentile } from '../figure.ts'

const rounds = 7
const roundMilliseconds = 1500
const assignments = 20

/** Reading who I am and an inbox, beside the least a server with the same token and the same Postgres could do. */
export async function measure(): Promise<readonly Figure[]> {
  const postgres = await startPostgres()
  const children: ChildProcess[] = []
  const start = async (entry: URL, ...parameters: string[]) => {
    const child = fork(fileURLToPath(entry), parameters, { execArgv: ['--conditions=source'] })
    children.push(child)
    const [url] = (await once(child, 'message')) as [string]
    return url
  }
  try {
    const database = await prepareDatabase(postgres.url)
    const ours = await start(new URL('../processes/api.ts', import.meta.url), database)
    const token = await fillInbox(ours)
    const bare = await start(
      new URL('../processes/bare.ts', import.meta.url),
      database,
      `${ours}/nokkel/.well-known/jwks.json`,
    )
    const figures: Figure[] = []
    for (const connections of [1, 16]) {
      const measured = await inTurns(connections, token, {
        me: `${ours}/nokkel/me`,
        inbox: `${ours}/nokkel/assignments`,
        bare: `${bare}/`,
      })
      const baseline = { what: 'Hono, jose, one SELECT', value: measured.bare.rate }
      for (const [name, what] of [
        ['me', 'GET /nokkel/me'],
        ['inbox', `GET /nokkel/assignments, ${assignments} items`],
      ] as const) {
        const { rate, p99 } = measured[name]
        const clients = `${connections} ${connections === 1 ? 'client' : 'clients'}`
        figures.push(compareRates(`${what}, ${clients}`, '/s', rate, baseline))
        figures.push({
          what: '  slowest of 100',
          value: p99,
          unit: 'ms',
          baseline: { ...baseline, value: measured.bare.p99 },
        })
      }
    }
    return figures
  } finally {
    for (const child of children) child.disconnect()
    await postgres.stop()
  }
}

async function prepareDatabase(superuserUrl: string): Promise<string> {
  await migratePostgres(superuserUrl, readMigrations().migrations)
  const client = new pg.Client({ connectionString: superuserUrl })
  await client.connect()
  await client.query(readFileSync(new URL('../../supabase/seed.sql', import.meta.url), 'utf8'))
  await client.end()
  const url = new URL(superuserUrl)
  url.username = 'nokkel_server'
  return url.href
}

/** Gives the access token of a member who got some assignments. */
async function fillInbox(url: string): Promise<string> {
  const coordinator = await arrive({ url, person: 'likeperson-koordinator' })
  const member = await arrive({ url, person: 'likeperson-medlem-1' })
  const to = member.nokkel.auth.getSnapshot().me?.id ?? ''
  for (let number = 1; number <= assignments; number++) {
    await coordinator.nokkel.assignments.send({ to, title: `Oppdrag ${number}`, body: 'Kl. 12' })
  }
  return member.nokkel.auth.accessToken()
}

interface Load {
  readonly rate: number
  readonly p99: number
}

async function inTurns<Name extends string>(
  connections: number,
  token: string,
  urls: Record<Name, string>,
): Promise<Record<Name, Load>> {
  const names = Object.keys(urls) as Name[]
  const rates = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  const latencies = structuredClone(rates)
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const { rate, milliseconds } = await load(urls[name], token, connections)
      if (round < 0) continue
      rates[name].push(rate)
      latencies[name].push(...milliseconds)
    }
  }
  const loadOf = (name: Name) => ({ rate: median(rates[name]), p99: percentile(latencies[name], 0.99) })
  return Object.fromEntries(names.map((name) => [name, loadOf(name)])) as Record<Name, Load>
}

async function load(url: string, token: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const milliseconds: number[] = []
  const started = performance.now()
  const end = started + roundMilliseconds
  const client = async () => {
    while (performance.now() < end) {
      const asked = performance.now()
      await request(url, token, agent)
      milliseconds.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  const rate = (milliseconds.length * 1000) / (performance.now() - started)
  agent.destroy()
  return { rate, milliseconds }
}

function request(url: string, token: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`))
      response.resume().once('end', resolve)
    }).once('error', reject)
  })
}
