import type { Page, Response } from 'playwright'

type Provider = 'BankID' | 'Vipps'

export interface Login {
  readonly provider: Provider
  /** As the list of organisations names it. */
  readonly organization: string
  /** `id` of a person of the sandbox. */
  readonly person: string
  /** Whether to agree to sharing it. Default `true`. */
  readonly personnummer?: boolean
}

/** Goes to the login page and chooses the organisation. */
export async function chooseOrganization(page: Page, organization: string): Promise<void> {
  await page.goto('/login')
  await page.getByLabel('Virksomhet').selectOption({ label: organization })
}

/** The question what may be shared, which comes before anything is sent. */
export const consentOf = (page: Page) => page.getByRole('dialog', { name: /^Kan vi hente dette fra / })

/** Says yes to what is asked, and to the personnummer where it may be asked for; is at the provider then. */
export async function agree(page: Page, { personnummer = true } = {}): Promise<void> {
  const consent = consentOf(page)
  await consent.waitFor()
  const asked = consent.getByRole('checkbox', { name: 'Del fødselsnummeret mitt også' })
  if (personnummer && (await asked.isVisible())) await asked.check()
  await consent.getByRole('button', { name: /^Ja, gå til / }).click()
  await page.waitForURL('**/sandbox/**')
}

/** Goes to the login page, chooses the organisation, agrees and leaves for the provider. */
export async function leaveFor(
  page: Page,
  { provider, organization, personnummer = true }: Omit<Login, 'person'>,
): Promise<void> {
  await chooseOrganization(page, organization)
  await page.getByRole('button', { name: `Logg inn med ${provider}` }).click()
  await agree(page, { personnummer })
}

/** The question whether the number that a login brought may be kept. */
export const personnummerQuestion = (page: Page) =>
  page.getByRole('dialog', { name: 'Kan vi lagre fødselsnummeret ditt?' })

/**
 * Chooses who to be on the page of the provider; agrees if it asks. Then says no to keeping a number that came with the login.
 *
 * @param options.answers - Whether it is answered at all. Default `true`.
 */
export async function beAt(page: Page, person: string, { answers = true } = {}): Promise<void> {
  const finished = answered(page, 'POST', /\/nokkel\/(?:login|me\/logins)\/complete$/)
  const status = answered(page, 'GET', /\/nokkel\/me\/personnummer$/)
  await page.locator(`[data-person="${person}"]`).click()
  await page.locator('[data-action="approve"]').or(page.locator('#root')).first().waitFor({ state: 'attached' })
  const approve = page.locator('[data-action="approve"]')
  if (await approve.isVisible()) await approve.click()
  await page.waitForURL((url) => !url.pathname.startsWith('/sandbox/'))
  if (!answers) return
  // Where the callback is refused before it is sent, an alert says so.
  const failed = page.getByRole('alert').first().waitFor()
  const outcome = await Promise.race([finished, failed.catch(() => undefined)])
  if (outcome?.personnummer !== 'verified' || !(await status)?.offered) return
  await personnummerQuestion(page).getByRole('button', { name: 'Nei, slett det' }).click()
  await personnummerQuestion(page).waitFor({ state: 'detached' })
}

/** What the next such request is answered with; nothing when it is refused or never made. */
function answered(page: Page, method: string, path: RegExp): Promise<Record<string, unknown> | undefined> {
  const is = (response: Response) =>
    response.request().method() === method && path.test(new URL(response.url()).pathname)
  return page
    .waitForResponse(is)
    .then((response) => (response.ok() ? response.json() : undefined))
    .catch(() => undefined)
}

export async function logIn(page: Page, login: Login): Promise<void> {
  await leaveFor(page, login)
  await beAt(page, login.person)
}

/** The line that says that this device has its keys. */
export const readyLine = (page: Page) => page.getByText(/^Klar – bare /)

export interface Draft {
  readonly to: string
  readonly title: string
  readonly body: string
  readonly file?: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer }
}

export async function write(page: Page, { to, title, body, file }: Draft): Promise<void> {
  await page.goto('/send')
  await page.getByLabel('Søk etter medlem').fill(to)
  await page.getByRole('checkbox', { name: to }).check()
  await page.getByLabel('Tittel').fill(title)
  await page.getByLabel('Innhold').fill(body)
  if (file) await page.getByLabel('Velg filer').setInputFiles(file)
}

export async function send(page: Page, draft: Draft): Promise<void> {
  await write(page, draft)
  await page.getByRole('button', { name: 'Send til 1 person' }).click()
  await page.getByRole('heading', { name: 'Oppdraget er sendt' }).waitFor()
}

/** What the browser does when a person comes back to a tab: lists are fetched anew at once. */
export async function lookAgain(page: Page): Promise<void> {
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })))
}
