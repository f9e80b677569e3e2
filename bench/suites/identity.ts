import { type Browser, chromium } from 'playwright'
import { addAuthenticator } from '../../tests/e2e/testing/authenticator.ts'
import { logIn } from '../../tests/e2e/testing/steps.ts'
import { composeDevelopment } from '../../tools/compose.ts'
import { launchOptions } from '../../tools/testing/chromium.ts'
import { openBenchPage } from '../bench-page.ts'
import { expectBelow, type Figure, median, percentile } from '../figure.ts'
import type { IdentityBench } from '../processes/identity-page.ts'

declare global {
  interface Window {
    /** When the login left its callback page, and when the question about biometrics stood, in milliseconds. */
    arrival: { left?: number; asked?: number }
  }
}

/** What a person waits for where their own data is at hand: the cached identity, the flag of an enrolment, its question. */
export async function measure({ small }: { readonly small: boolean }): Promise<readonly Figure[]> {
  const application = await composeDevelopment({ port: 0, limits: unlimitedLogins })
  const browser = await chromium.launch(await launchOptions())
  try {
    const page = await openBenchPage<IdentityBench>(application.url, {
      script: 'identity-page',
      person: 'fjordhjelpen-medlem-1',
      authenticator: true,
    })
    const { milliseconds, requests } = await page.run('cachedReads', small ? 20 : 2000)
    const alone = await page.run('storageReads', small ? 20 : 2000)
    const { flags, whole } = await page.run('enrollments', small ? 2 : 200)
    await page.close()
    const asked: number[] = []
    for (let time = 0; time < (small ? 1 : 100); time++) asked.push(await untilAsked(browser, application.url))
    return [
      expectBelow({ what: 'cached read of the identity: requests', value: requests, unit: '' }, 1),
      { what: 'cached read of the identity', value: median(milliseconds), unit: 'ms' },
      expectBelow({ what: '  p99', value: percentile(milliseconds, 0.99), unit: 'ms' }, 5),
      { what: '  p99, one read of the storage alone', value: percentile(alone, 0.99), unit: 'ms' },
      { what: 'flag of an enrolment written', value: median(flags), unit: 'ms' },
      expectBelow({ what: '  p99', value: percentile(flags, 0.99), unit: 'ms' }, 300),
      { what: 'enrolled, with the server', value: median(whole), unit: 'ms' },
      { what: '  p99', value: percentile(whole, 0.99), unit: 'ms' },
      { what: 'question after the navigation of a login', value: median(asked), unit: 'ms' },
      expectBelow({ what: '  p99', value: percentile(asked, 0.99), unit: 'ms' }, 500),
    ]
  } finally {
    await browser.close()
    await application.close()
  }
}

const unlimitedLogins = { login: { address: Infinity, person: Infinity } }

/** From the moment the login leaves its callback page until the dialog stands, of a browser that has never been here. */
async function untilAsked(browser: Browser, baseURL: string): Promise<number> {
  const context = await browser.newContext({ baseURL, locale: 'nb-NO' })
  try {
    await context.addInitScript(recordArrival)
    const page = await context.newPage()
    await addAuthenticator(page)
    // What is asked about the number comes first, and takes as long as the person takes.
    await logIn(page, {
      provider: 'BankID',
      organization: 'Fjordhjelpen',
      person: 'fjordhjelpen-medlem-2',
      personnummer: false,
    })
    await page.waitForFunction(() => window.arrival.asked !== undefined)
    const { left, asked } = await page.evaluate(() => window.arrival)
    if (left === undefined || asked === undefined) throw new Error('The login never left its callback page.')
    return asked - left
  } finally {
    await context.close()
  }
}

function recordArrival(): void {
  window.arrival = {}
  if (!location.pathname.startsWith('/callback/')) return
  for (const name of ['pushState', 'replaceState'] as const) {
    const change = history[name].bind(history)
    history[name] = (...given) => {
      change(...given)
      if (!location.pathname.startsWith('/callback/')) window.arrival.left ??= performance.now()
    }
  }
  const look = () => {
    if (document.querySelector('dialog.enrollment[open]')) window.arrival.asked ??= performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}
