import { chromium } from 'playwright'
import { mainThreadGap, recordMainThread } from '../../tests/e2e/testing/main-thread.ts'
import { logIn, readyLine } from '../../tests/e2e/testing/steps.ts'
import { composeDevelopment } from '../../tools/compose.ts'
import { launchOptions } from '../../tools/testing/chromium.ts'
import { expectBelow, type Figure, median } from '../figure.ts'

const logins = 5

/** How long the main thread of a browser does not come round while a Worker makes the keys of a device. */
export async function measure(): Promise<readonly Figure[]> {
  const application = await composeDevelopment({ port: 0 })
  const browser = await chromium.launch(await launchOptions())
  try {
    const gaps: number[] = []
    for (let login = 0; login < logins; login++) {
      const context = await browser.newContext({ baseURL: application.url, locale: 'nb-NO' })
      await context.addInitScript(recordMainThread)
      const page = await context.newPage()
      const person = 'fjordhjelpen-medlem-1'
      await logIn(page, { provider: 'BankID', organization: 'Fjordhjelpen', person })
      await readyLine(page).waitFor()
      gaps.push((await mainThreadGap(page)).longest)
      await context.close()
    }
    return [
      expectBelow({ what: `longest gap, worst of ${logins} logins`, value: Math.max(...gaps), unit: 'ms' }, 50),
      { what: 'longest gap, median', value: median(gaps), unit: 'ms' },
    ]
  } finally {
    await browser.close()
    await application.close()
  }
}
