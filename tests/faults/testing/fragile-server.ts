import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSandbox } from './sandbox-host.ts'
import type { ServerDatabase, ServerPlan } from './server-plan.ts'

/** A server in a process of its own, which is started again whenever it was killed. */
export interface FragileServer {
  readonly url: string
  /** How often it was killed. */
  readonly kills: number
  /** Resolves when it listens. */
  up(): Promise<void>
  /** Kills it for good. */
  close(): Promise<void>
}

const entry = fileURLToPath(new URL('server-process.ts', import.meta.url))

export async function startFragileServer(
  database: ServerDatabase,
  points: ServerPlan['points'],
  further: Pick<ServerPlan, 'erasureLedger'> = {},
): Promise<FragileServer> {
  const publicUrl = `http://localhost:${await freePort()}`
  const { close: closeSandbox, clients } = await startSandbox(publicUrl)
  let plan: ServerPlan = { database, publicUrl, masterKey: '07'.repeat(32), points, clients, ...further }
  let kills = 0
  let closed = false
  // The next process has loaded its code when the present one dies.
  let standby = spawn()
  let running = start()

  function start(): Promise<ChildProcess> {
    const child = standby
    standby = spawn()
    const opened = new Promise<ChildProcess>((resolve, reject) => {
      child.once('message', () => resolve(child))
      child.once('exit', (code, signal) => {
        reject(new Error(`The server ended with ${code ?? signal}.`))
        if (closed || signal !== 'SIGKILL') return
        kills += 1
        running = start()
      })
    })
    child.send(plan)
    if ('directory' in plan.database) plan = { ...plan, database: { ...plan.database, seeded: true } }
    return opened
  }

  await running
  return {
    url: publicUrl,
    get kills() {
      return kills
    },
    async up() {
      // A process is dead before we are told so.
      for (let child = await running; !(await answers(publicUrl)); child = await running) await ended(child)
    },
    async close() {
      if (closed) return
      const children = [await running, standby]
      closed = true
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map(ended))
      closeSandbox()
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/nokkel/health`).catch(() => undefined)
  return answer?.ok === true
}

/** A process that has loaded the code of a server and waits for its {@link ServerPlan}. */
export function spawn(): ChildProcess {
  return fork(entry, {
    execArgv: ['--conditions=source'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'nokkel-compile-cache') },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
