import { fileURLToPath } from 'node:url'
import { signIn } from '@nokkel/sandbox'
import { chromium } from 'playwright'
import { rolldown } from 'rolldown'
import { addAuthenticator } from '../tests/e2e/testing/authenticator.ts'
import { launchOptions } from '../tools/testing/chromium.ts'

/** What a script puts on `globalThis.bench`: how to log in, and what to measure. */
export interface PageBench {
  /** Begins a login. Returns the URL of the provider. */
  begin(): Promise<string>
  /** Ends it with the URL the provider sends back to. */
  complete(callback: string): Promise<void>
}

type Ways<B> = Exclude<keyof B, keyof PageBench>
type Way<B, W extends keyof B> = B[W] extends (...given: infer G) => infer R ? { given: G; result: Awaited<R> } : never

/** A page of the application's origin in Chromium, where somebody is logged in. */
export interface BenchPage<B extends PageBench> {
  run<W extends Ways<B>>(way: W, ...given: Way<B, W>['given']): Promise<Way<B, W>['result']>
  close(): Promise<void>
}

export interface BenchPageOptions {
  /** In `processes/`, without its ending. */
  readonly script: string
  /** Scripts of the Workers it loads. */
  readonly workers?: readonly URL[]
  readonly person: string
  /** Whether the device has an authenticator that verifies its user. */
  readonly authenticator?: boolean
}

export async function openBenchPage<B extends PageBench>(
  url: string,
  options: BenchPageOptions,
): Promise<BenchPage<B>> {
  const { script, workers = [], person, authenticator = false } = options
  const scripts = await bundle([new URL(`./processes/${script}.ts`, import.meta.url), ...workers])
  const browser = await chromium.launch(await launchOptions())
  try {
    const page = await browser.newPage()
    if (authenticator) await addAuthenticator(page)
    await page.route(`${url}/bench/**`, (route) => {
      const name = new URL(route.request().url()).pathname.replace('/bench/', '')
      const body = scripts.get(name)
      if (body !== undefined) return route.fulfill({ contentType: 'text/javascript', body })
      const html = `<!doctype html><title>Bench</title><script type="module" src="${script}.js"></script>`
      return name === '' ? route.fulfill({ contentType: 'text/html', body: html }) : route.fulfill({ status: 404 })
    })
    await page.goto(`${url}/bench/`)
    await page.waitForFunction(() => 'bench' in globalThis)
    const run = (name: string, given: readonly unknown[]) =>
      page.evaluate(
        async ([way, parameters]): Promise<unknown> =>
          (globalThis as unknown as { bench: Record<string, (...given: readonly unknown[]) => unknown> }).bench[way]?.(
            ...parameters,
          ),
        [name, given] as const,
      )
    const launched = (await run('begin', [])) as string
    await run('complete', [await signIn(launched, { person })])
    return {
      run: async (way, ...given) => (await run(way as string, given as readonly unknown[])) as never,
      close: () => browser.close(),
    }
  } catch (cause) {
    await browser.close()
    throw cause
  }
}

/** Scripts by name: the page and its chunks, and the Workers it loads. */
async function bundle(entries: readonly URL[]): Promise<Map<string, string>> {
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
