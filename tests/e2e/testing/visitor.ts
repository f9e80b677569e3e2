import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { launchOptions } from '../../../tools/testing/chromium.ts'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'
import { recordMainThread } from './main-thread.ts'

/** One person at one device: a browser context of their own, and all their browser complained about. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** Console errors, uncaught exceptions, violations of the content security policy, requests to other hosts. */
  readonly complaints: string[]
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch(await launchOptions())
}

interface VisitorOptions {
  /** Whether the browser makes its managed keys itself, which takes a core for seconds. Default: it is given ready-made ones. */
  readonly makesKeys?: boolean
}

const contextOptions = { locale: 'nb-NO', viewport: { width: 1280, height: 800 } }

export async function newVisitor(browser: Browser, baseURL: string, options?: VisitorOptions): Promise<Visitor> {
  return visit(await browser.newContext({ ...contextOptions, baseURL }), baseURL, options)
}

/** A browser that finds again what it stored in this directory when it was there before. */
export async function returningVisitor(directory: string, baseURL: string): Promise<Visitor> {
  const context = await chromium.launchPersistentContext(directory, {
    ...(await launchOptions()),
    ...contextOptions,
    baseURL,
  })
  return visit(context, baseURL)
}

async function visit(
  context: BrowserContext,
  baseURL: string,
  { makesKeys = false }: VisitorOptions = {},
): Promise<Visitor> {
  context.setDefaultTimeout(20_000)
  await context.addInitScript(recordMainThread)
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`content security policy: ${violatedDirective} ${blockedURI}`),
    )
  })
  if (!makesKeys) await giveReadyMadeKeys(context)
  const complaints: string[] = []
  const watch = (page: Page) => {
    page.on(
      'console',
      (message) => message.type() === 'error' && complaints.push(`${message.text()} ${message.location().url}`),
    )
    page.on('pageerror', (error) => complaints.push(String(error)))
  }
  context.on('page', watch)
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(baseURL).origin) complaints.push(`outside host: ${request.url()}`)
  })
  return { context, page: await context.newPage(), complaints }
}

let given = 0

/** Answers for the Worker that makes a managed key. */
async function giveReadyMadeKeys(context: BrowserContext): Promise<void> {
  await context.route(/\/private-key-worker-[^/]*\.js$/, (route) => {
    const key = testPrivateKeys[given++ % testPrivateKeys.length]
    return route.fulfill({
      contentType: 'text/javascript',
      body: `const bytes = Uint8Array.from(atob('${key}'), (byte) => byte.charCodeAt(0))
        postMessage(bytes, { transfer: [bytes.buffer] })`,
    })
  })
}
