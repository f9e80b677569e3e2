import { fileURLToPath } from 'node:url'
import { signIn } from '@nokkel/sandbox'
import { chromium } from 'playwright'
import { rolldown } from 'rolldown'
import { launchOptions } from '../tools/testing/chromium.ts'
import type { RfxBench } from './processes/rfx-page.ts'

type Way = Exclude<keyof RfxBench, 'begin' | 'complete'>

/** A page of the application's origin in Chromium, where Silje is logged in. */
export interface RfxPage {
  run<W extends Way>(way: W, rfxId: string): Promise<Awaited<ReturnType<RfxBench[W]>>>
  close(): Promise<void>
}

export async function openRfxPage(url: string): Promise<RfxPage> {
  const scripts = await bundle()
  const browser = await chromium.launch(await launchOptions())
  try {
    const page = await browser.newPage()
    await page.route(`${url}/bench/**`, (route) => {
      const name = new URL(route.request().url()).pathname.replace('/bench/', '')
      const script = scripts.get(name)
      if (script !== undefined) return route.fulfill({ contentType: 'text/javascript', body: script })
      const body = '<!doctype html><title>Bench</title><script type="module" src="rfx-page.js"></script>'
      return name === '' ? route.fulfill({ contentType: 'text/html', body }) : route.fulfill({ status: 404 })
    })
    await page.goto(`${url}/bench/`)
    await page.waitForFunction(() => 'rfxBench' in globalThis)
    const launched = await page.evaluate(() => (globalThis as unknown as { rfxBench: RfxBench }).rfxBench.begin())
    const callback = await signIn(launched, { person: 'fjordhjelpen-koordinator' })
    await page.evaluate((to) => (globalThis as unknown as { rfxBench: RfxBench }).rfxBench.complete(to), callback)
    return {
      async run(way, rfxId) {
        const measured = await page.evaluate(
          async ({ name, id }): Promise<unknown> =>
            (globalThis as unknown as { rfxBench: RfxBench }).rfxBench[name](id),
          { name: way as Way, id: rfxId },
        )
        return measured as never
      },
      close: () => browser.close(),
    }
  } catch (cause) {
    await browser.close()
    throw cause
  }
}

/** Scripts by name: the page, and the Workers it loads, each whole by itself. */
async function bundle(): Promise<Map<string, string>> {
  const entries = [
    new URL('./processes/rfx-page.ts', import.meta.url),
    new URL('./processes/rfx-raw-worker.ts', import.meta.url),
    new URL('../packages/client/src/rfx/wrap-worker.ts', import.meta.url),
  ]
  const scripts = new Map<string, string>()
  for (const entry of entries) {
    const built = await rolldown({
      input: fileURLToPath(entry),
      platform: 'browser',
      resolve: { conditionNames: ['source', 'import'] },
    })
    const { output } = await built.generate({ format: 'esm', entryFileNames: '[name].js' })
    await built.close()
    for (const chunk of output) if (chunk.type === 'chunk') scripts.set(chunk.fileName, chunk.code)
  }
  return scripts
}
