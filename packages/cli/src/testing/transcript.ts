import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const compileCache = join(tmpdir(), 'nokkel-compile-cache')
const oldestNode = new URL('oldest-node.ts', import.meta.url).href

export interface Transcript {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the real command in a process of its own, with nothing of our environment but where programs are, and with no more
 * than the oldest Node has.
 */
export async function nokkel(
  words: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly input?: string
    /** Nobody reads its standard output. */
    readonly unread?: boolean
  } = {},
): Promise<Transcript> {
  const child = start(words, options.env)
  if (options.unread) child.stdout.destroy()
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.on('error', () => undefined).end(options.input ?? '')
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

/** The same, still running. */
export function start(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, ['--conditions=source', '--import', oldestNode, main, ...words], {
    env: { PATH: process.env.PATH ?? '', NO_COLOR: '1', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: 'pipe',
  })
}
