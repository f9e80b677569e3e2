import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeBase64, importPublicKey } from '@nokkel/crypto'
import { migratePostgres } from '@nokkel/server/node'
import pg from 'pg'
import { cachedDirectory } from '../tools/testing/cache.ts'
import { readMigrations } from '../tools/testing/migrations.ts'
import { startPostgres } from '../tools/testing/postgres.ts'

/** Distinct public keys of all recipients: each has one of these. */
const distinctKeys = 64

/** What a run of `processes/rfx-client.ts` is asked for. */
export interface RfxTask {
  readonly way: string
  readonly companyId?: string
  readonly rfxId?: string
  readonly count?: number
}

/** An entry as it is stored; bytes in hexadecimal. */
export interface RfxDocumentRow {
  readonly sequence: number
  readonly object: string
  readonly wrappedKey: string | undefined
  readonly content: string | undefined
  readonly digest: string | undefined
  readonly statement: string
}

export interface RfxWorld {
  readonly url: string
  readonly owner: pg.Client
  /** A buyer company of Silje and so many others, each with a key. */
  company(members: number): Promise<string>
  /** Runs one task as Silje, in a process of its own that logs in, and gives what it measured. */
  run<T>(task: RfxTask): Promise<T>
  close(): Promise<void>
}

/** The server on a Postgres that flushes every commit, with the seeded people and as many more as are asked for. */
export async function startRfxWorld(people: number): Promise<RfxWorld> {
  const postgres = await startPostgres({ durable: true })
  const children = new Set<ChildProcess>()
  const start = (entry: URL, ...parameters: string[]) => {
    const child = fork(fileURLToPath(entry), parameters, { execArgv: ['--conditions=source'] })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }
  const owner = new pg.Client({ connectionString: postgres.url })
  const close = async () => {
    for (const child of children) child.kill()
    await owner.end().catch(() => {})
    await postgres.stop()
  }
  try {
    await migratePostgres(postgres.url, readMigrations().migrations)
    await owner.connect()
    await owner.query(readFileSync(new URL('../supabase/seed.sql', import.meta.url), 'utf8'))
    const database = new URL(postgres.url)
    database.username = 'nokkel_server'
    const url = String((await once(start(new URL('./processes/api.ts', import.meta.url), database.href), 'message'))[0])
    const run = async <T>(task: RfxTask): Promise<T> => {
      const child = start(new URL('./processes/rfx-client.ts', import.meta.url), url, JSON.stringify(task))
      const failed = once(child, 'exit').then(([code]) => {
        throw new Error(`${task.way} ended with ${code} before it answered`)
      })
      failed.catch(() => {})
      const [measured] = (await Promise.race([once(child, 'message'), failed])) as [T]
      return measured
    }
    // Registers her key, and with it the master key that the rows below name.
    await run({ way: 'log-in' })
    const ids = await insertPeople(owner, people)
    return { url, owner, run, close, company: (members) => insertCompany(owner, ids.slice(0, members)) }
  } catch (cause) {
    await close()
    throw cause
  }
}

const fjordhjelpen = '5eed0000-0000-4000-8000-000000000003'
const silje = '5eed0000-0000-4000-8001-000000000008'

async function insertPeople(owner: pg.Client, count: number): Promise<string[]> {
  const keys = await publicKeys()
  const ids = Array.from({ length: count }, () => randomUUID())
  const keyOf = (index: number) => keys[index % keys.length]
  await owner.query(
    `insert into public.app_user (auth_user_id, name) select id, 'Person ' || n
      from unnest($1::uuid[]) with ordinality p (id, n)`,
    [ids],
  )
  await owner.query(
    `insert into public.organization_member (organization_id, user_id) select $1::uuid, unnest($2::uuid[])`,
    [fjordhjelpen, ids],
  )
  await owner.query(
    `insert into public.user_key (id, user_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
      select gen_random_uuid(), k.id, k.public_key, k.thumbprint, 'nobody opens it', sha256(''), m.key_id
      from unnest($1::uuid[], $2::text[], $3::text[]) k (id, public_key, thumbprint),
        (select key_id from nokkel.master_key_version limit 1) m`,
    [ids, ids.map((_, index) => keyOf(index)?.publicKey), ids.map((_, index) => keyOf(index)?.thumbprint)],
  )
  await owner.query('analyze')
  return ids
}

async function insertCompany(owner: pg.Client, members: readonly string[]): Promise<string> {
  const id = randomUUID()
  const name = `Bench ${members.length}`
  await owner.query(`insert into public.company (id, organization_id, name) values ($1, $2, $3)`, [
    id,
    fjordhjelpen,
    name,
  ])
  await owner.query(
    `insert into public.company_member (company_id, organization_id, user_id, role)
      select $1::uuid, $2::uuid, unnest($3::uuid[]), 'member' union all select $1::uuid, $2::uuid, $4::uuid, 'administrator'`,
    [id, fjordhjelpen, members, silje],
  )
  await owner.query('analyze public.company_member')
  return id
}

/** Made once, which takes a minute. */
async function publicKeys(): Promise<{ publicKey: string; thumbprint: string }[]> {
  const directory = await cachedDirectory(`bench-rsa-${distinctKeys}`, async (draft) => {
    const algorithm = {
      name: 'RSA-OAEP',
      hash: 'SHA-256',
      modulusLength: 4096,
      publicExponent: new Uint8Array([1, 0, 1]),
    }
    const keys = []
    for (let count = 0; count < distinctKeys; count++) {
      const { publicKey } = await crypto.subtle.generateKey(algorithm, true, ['encrypt', 'decrypt'])
      const bytes = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
      keys.push({ publicKey: encodeBase64(bytes), thumbprint: (await importPublicKey(bytes)).thumbprint })
    }
    writeFileSync(join(draft, 'keys.json'), JSON.stringify(keys))
  })
  return JSON.parse(readFileSync(join(directory, 'keys.json'), 'utf8'))
}
