import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { builtWebApplication } from '../../tools/development/web-application.ts'
import { launchOptions } from '../../tools/testing/chromium.ts'
import { expectBelow, type Figure, median } from '../figure.ts'

const entry = fileURLToPath(new URL('../../tools/start.ts', import.meta.url))
const times = 5

/** From `npm start` until the login page is on the screen of a browser and takes a click. The web application is built. */
export async function measure(): Promise<readonly Figure[]> {
  await builtWebApplication((line) => console.error(line))
  const browser = await chromium.launch(await launchOptions())
  try {
    const fresh: Start[] = []
    const warm: Start[] = []
    for (let time = 0; time < times; time++) {
      const home = mkdtempSync(join(tmpdir(), 'nokkel-bench-'))
      fresh.push(await startOnce(browser, join(home, 'data')))
      warm.push(await startOnce(browser, join(home, 'data')))
      rmSync(home, { recursive: true, force: true })
    }
    return [...figuresOf('new data directory', fresh), ...figuresOf('existing data directory', warm)]
  } finally {
    await browser.close()
  }
}

interface Start {
  readonly answers: number
  readonly painted: number
  readonly usable: number
}

async function startOnce(browser: Browser, data: string): Promise<Start> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const context = await browser.newContext({ locale: 'nb-NO' })
  const page = await context.newPage()
  const started = performance.now()
  const since = () => (performance.now() - started) / 1000
  const child = spawn(process.execPath, ['--conditions=source', entry, '--port', String(port), '--data', data], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    while ((await fetch(`${url}/nokkel/ready`).catch(() => undefined))?.status !== 200) await setTimeout(20)
    const answers = since()
    await page.goto(`${url}/login`)
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0)
    const painted = since()
    await page.getByLabel('Virksomhet').selectOption({ label: 'Likeperson' })
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click({ trial: true })
    return { answers, painted, usable: since() }
  } finally {
    await context.close()
    await stop(child)
  }
}

function figuresOf(what: string, starts: readonly Start[]): readonly Figure[] {
  const of = (name: keyof Start) => median(starts.map((start) => start[name]))
  return [
    { what: `${what}: the API answers`, value: of('answers'), unit: 's' },
    { what: `${what}: something is painted`, value: of('painted'), unit: 's' },
    expectBelow({ what: `${what}: the login page takes a click`, value: of('usable'), unit: 's' }, 6),
  ]
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
