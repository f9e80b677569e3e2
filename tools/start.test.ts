import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('start.ts', import.meta.url))

interface Run {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves with all that was printed once it says the text; with what there is when it ends before. */
  prints(text: string): Promise<string>
  ends(): Promise<{ readonly code: number; readonly output: string }>
}

function start(arguments_: readonly string[], environment: Record<string, string> = {}): Run {
  const env = { ...process.env, NODE_ENV: '', ...environment }
  const child = spawn(process.execPath, ['--conditions=source', script, ...arguments_], { env })
  let output = ''
  const collect = (data: Buffer) => {
    output += data.toString()
    child.emit('printed')
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = once(child, 'close').then(([code]) => ({ code: Number(code), output }))
  return {
    child,
    async prints(text) {
      while (!output.includes(text)) {
        const more = await Promise.race([once(child, 'printed').then(() => true), ended.then(() => false)])
        if (!more) break
      }
      return output
    },
    ends: () => ended,
  }
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? String(address.port) : ''
}

describe('npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nokkel-start-'))
  const data = join(directory, 'data')
  let port: string
  let running: Run

  beforeAll(async () => {
    port = await freePort()
    running = start(['--port', port, '--data', data])
    await running.prints('Stop with')
  })

  afterAll(() => {
    running.child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it('says where it is, who to be and how to stop, and serves all of it', async () => {
    const output = await running.prints('Stop with')
    expect(output).toContain(`Nøkkel runs at http://localhost:${port}`)
    expect(output).toContain('Kari Nordmann')
    for (const path of ['/', '/inbox', '/sandbox', '/nokkel/ready', '/nokkel/reference', '/nokkel/openapi.json']) {
      const { status } = await fetch(`http://localhost:${port}${path}`, { headers: { accept: 'text/html' } })
      expect([path, status]).toEqual([path, 200])
    }
  })

  it('makes keys that only the owner of the files can read, and says so', async () => {
    expect(await running.prints('Stop with')).toContain(`Made development keys in ${join(data, 'keys.json')}`)
    expect(statSync(join(data, 'keys.json')).mode & 0o777).toBe(0o600)
  })

  it('refuses a port that is taken', async () => {
    const { code, output } = await start(['--port', port, '--data', data]).ends()
    expect(code).toBe(1)
    expect(output).toBe(`Port ${port} is taken; stop what listens there, or choose another with --port.\n`)
  })

  it('refuses a data directory that is in use', async () => {
    const { code, output } = await start(['--port', await freePort(), '--data', data]).ends()
    expect(code).toBe(1)
    expect(output).toMatch(/^The data directory \S+ is in use by process \d+; .+\n$/)
  })

  it('refuses production mode, and arguments it does not know', async () => {
    const [production, unknown, wrong] = await Promise.all([
      start([], { NODE_ENV: 'production' }).ends(),
      start(['--bogus']).ends(),
      start(['--port', '70000']).ends(),
    ])
    for (const { code } of [production, unknown, wrong]) expect(code).toBe(1)
    expect(production.output).toMatch(/^npm start is for development: .+\n$/)
    expect(unknown.output).toMatch(/^Unknown option '--bogus'.*\n$/)
    expect(wrong.output).toBe('--port takes a number up to 65535, not 70000.\n')
  })

  it('stops at SIGINT with exit code 0, and refuses keys that are not those of the database', async () => {
    running.child.kill('SIGINT')
    expect((await running.ends()).code).toBe(0)

    const keys = join(data, 'keys.json')
    writeFileSync(keys, JSON.stringify({ masterKey: '0f'.repeat(32), indexKey: '0e'.repeat(32) }))
    const other = await start(['--port', await freePort(), '--data', data]).ends()
    expect(other.code).toBe(1)
    expect(other.output).toMatch(/^The master key is not the one this database was opened with: .+\n$/)

    writeFileSync(keys, '{"masterKey":"secret"}')
    const broken = await start(['--port', await freePort(), '--data', data]).ends()
    expect(broken.code).toBe(1)
    expect(broken.output).toBe(`${keys} does not hold a masterKey and an indexKey of 64 hexadecimal digits each.\n`)
  })
})
