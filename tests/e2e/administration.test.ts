import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { look } from './testing/look.ts'
import { agree, beAt, chooseOrganization, leaveFor, logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

let application: Application
let browser: Browser
let administrator: Visitor

beforeAll(async () => {
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
  administrator = await newVisitor(browser, application.url)
  await logIn(administrator.page, { provider: 'BankID', organization: 'Fjordhjelpen', person: 'administrator' })
  await readyLine(administrator.page).waitFor()
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

const see = (page: Page, name: string) => look(page, name, 'administration')
const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

describe('an administrator and Vipps', () => {
  it('finds the administration in the menu, with the settings and the address to register', async () => {
    const { page } = administrator
    await page.getByRole('link', { name: /^Administrasjon/ }).click()
    await page.getByRole('heading', { name: 'Innlogging', exact: true }).waitFor()
    await part(page, 'Vipps').getByLabel('Klient-id').waitFor()
    const address = await page.getByLabel('Registrer denne adressen hos Vipps').inputValue()
    expect(address).toBe(`${application.url}/callback/vipps/fjordhjelpen`)
    await see(page, 'admin')
  })

  it('sets it up; the secret goes in and does not come out', async () => {
    const { page } = administrator
    const vipps = part(page, 'Vipps')
    const replace = vipps.getByRole('button', { name: 'Bytt hemmelighet' })
    if (await replace.isVisible()) await replace.click()
    await vipps.getByLabel('Test', { exact: true }).check()
    await vipps.getByLabel('Klient-id').fill('nokkel fjordhjelpen')
    await vipps.getByLabel('Hemmelighet').fill('for-development-only')
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Skriv inn klient-id-en, uten mellomrom.').waitFor()
    await vipps.getByLabel('Klient-id').fill('nokkel-fjordhjelpen')
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Lagret.', { exact: true }).waitFor()
    await vipps.getByText('Hemmeligheten er lagret').waitFor()
    // They are tried at once.
    await part(page, 'Prøv oppsettet').getByText('Klient-id og hemmelighet').waitFor()
    await page.reload()
    await vipps.getByText('Hemmeligheten er lagret').waitFor()
    expect(await page.content()).not.toContain('for-development-only')
    expect(await vipps.getByLabel('Hemmelighet').count()).toBe(0)
    await vipps.getByLabel('Klient-id').fill('nokkel-nordlys')
    await vipps.getByText('Ny klient eller nytt miljø trenger sin egen hemmelighet.').waitFor()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Skriv inn hemmeligheten.').waitFor()
  })

  it('is told what a refused address is to look like', async () => {
    const { page } = administrator
    await page.reload()
    const vipps = part(page, 'Vipps')
    await vipps.getByText('For egen mobilapp').click()
    await vipps.getByLabel('Adressen Vipps åpner appen på').fill('http://app.example/')
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Adressen til appen må begynne med https://').waitFor()
    await see(page, 'admin-refused')
  })

  it('tries the settings', async () => {
    const { page } = administrator
    await page.reload()
    const check = part(page, 'Prøv oppsettet')
    await check.getByRole('button', { name: 'Prøv oppsettet' }).click()
    await check.getByText('Klient-id og hemmelighet').waitFor()
    expect(await check.getByRole('listitem').count()).toBeGreaterThan(1)
    await see(page, 'admin-checked')
  })

  it('sees what is wrong with a secret, and no word of all being well', async () => {
    const { page } = administrator
    const vipps = part(page, 'Vipps')
    const wrong = page.getByText('Vipps godtar ikke klient-id og hemmelighet.')
    const save = async (secret: string) => {
      await vipps.getByRole('button', { name: 'Bytt hemmelighet' }).click()
      await vipps.getByLabel('Hemmelighet').fill(secret)
      await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
      await vipps.getByText('Lagret.', { exact: true }).waitFor()
    }
    await save('another-secret')
    await wrong.waitFor()
    expect(await page.getByText('Alt er i orden med innloggingen.').count()).toBe(0)
    await see(page, 'admin-refused-client')

    const member = await newVisitor(browser, application.url)
    await logIn(member.page, { provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' })
    await member.page.getByText('Virksomhetens avtale med innloggingstjenesten er satt opp feil.').waitFor()
    expect(await member.page.getByRole('button', { name: 'Prøv igjen' }).count()).toBe(0)
    await member.page.getByRole('button', { name: 'Logg inn med BankID i stedet' }).waitFor()
    await look(member.page, 'provider-misconfigured', 'login')
    await member.context.close()
    await page.reload()
    await page.getByRole('heading', { name: 'Vipps avviser oppsettet' }).waitFor()

    await save('for-development-only')
    await wrong.waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Vipps avviser oppsettet' }).waitFor({ state: 'detached' })
  })

  it('logs in again when the login is too old, and is back', async () => {
    const { page } = administrator
    const problem = { type: 'urn:nokkel:problem:login_too_old', title: 'Too old', status: 403, code: 'login_too_old' }
    await page.route('**/nokkel/organization/vipps/cost', (route) =>
      route.fulfill({ status: 403, contentType: 'application/problem+json', json: problem }),
    )
    await page.getByRole('button', { name: 'Lagre kostnaden' }).click()
    await part(page, 'Kostnad').getByText('Det er gått for lang tid siden du logget inn.').waitFor()
    await page.unroute('**/nokkel/organization/vipps/cost')
    await page.getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page)
    await beAt(page, 'administrator')
    await page.getByRole('heading', { name: 'Innlogging', exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/admin')
    // What stands there is not told once more.
    expect(await page.getByText(/med innloggingen i Fjordhjelpen trenger deg/).count()).toBe(0)
  })

  it('switches it off, which members see at the login', async () => {
    const { page } = administrator
    const vipps = part(page, 'Vipps')
    await vipps.getByRole('switch', { name: 'Logg inn med Vipps' }).uncheck()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await page.getByRole('dialog', { name: 'Slå av Vipps?' }).waitFor()
    await page.getByText('Medlemmene kan fortsatt logge inn med BankID.').waitFor()
    await see(page, 'vipps-off')
    await page.getByRole('button', { name: 'Ja, slå av Vipps' }).click()
    await page.getByRole('heading', { name: 'Vipps er slått av', exact: true }).waitFor()

    const member = await newVisitor(browser, application.url)
    await chooseOrganization(member.page, 'Fjordhjelpen')
    await member.page.getByText('Vipps virker ikke i Fjordhjelpen akkurat nå. Logg inn med BankID.').waitFor()
    expect(await member.page.getByRole('button', { name: 'Logg inn med Vipps' }).count()).toBe(0)
    await member.context.close()

    // Another administrator is told when they have logged in.
    const again = await newVisitor(browser, application.url)
    await logIn(again.page, { provider: 'BankID', organization: 'Fjordhjelpen', person: 'administrator' })
    await again.page.getByText(/med innloggingen i Fjordhjelpen trenger deg/).waitFor()
    await again.page.getByRole('link', { name: /^Administrasjon.*varsl?e?l?/ }).waitFor()
    await see(again.page, 'after-login')
    await again.page.getByRole('link', { name: 'Se varslene' }).click()
    await again.page.getByRole('heading', { name: 'Vipps er slått av', exact: true }).waitFor()
    await again.context.close()
  })

  it('who has come as far as the consent is told, and comes in another way', async () => {
    const { page } = administrator
    const vipps = part(page, 'Vipps')
    await vipps.getByRole('switch', { name: 'Logg inn med Vipps' }).check()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Lagret.', { exact: true }).waitFor()
    expect(await page.getByRole('heading', { name: 'Vipps er slått av', exact: true }).count()).toBe(0)

    const member = await newVisitor(browser, application.url)
    await chooseOrganization(member.page, 'Fjordhjelpen')
    await member.page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await member.page.getByRole('dialog').waitFor()
    await vipps.getByRole('switch', { name: 'Logg inn med Vipps' }).uncheck()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await page.getByRole('button', { name: 'Ja, slå av Vipps' }).click()
    await page.getByRole('heading', { name: 'Vipps er slått av', exact: true }).waitFor()
    await member.page.getByRole('button', { name: 'Ja, gå til Vipps' }).click()
    await member.page.getByText('Denne innloggingen kan ikke brukes i virksomheten nå.').waitFor()
    await member.page.getByRole('button', { name: 'Logg inn med BankID i stedet' }).click()
    await agree(member.page)
    await beAt(member.page, 'fjordhjelpen-medlem-1')
    await readyLine(member.page).waitFor()
    await member.context.close()
    await vipps.getByRole('switch', { name: 'Logg inn med Vipps' }).check()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Lagret.', { exact: true }).waitFor()
  })

  it('sets what it costs and a cap, which ends the logins of the month when it is reached', async () => {
    const { page } = administrator
    const cost = part(page, 'Kostnad')
    await cost.getByLabel('Kostnadssted').fill('4711')
    await cost.getByLabel('Pris for en innlogging, i kroner').fill('dyrt')
    await cost.getByLabel('Høyst så mange innlogginger i måneden').fill('1')
    await cost.getByRole('button', { name: 'Lagre kostnaden' }).click()
    await cost.getByText('Skriv et beløp med høyst to desimaler, som 1,25.').waitFor()
    await cost.getByLabel('Pris for en innlogging, i kroner').fill('1,25')
    await cost.getByRole('button', { name: 'Lagre kostnaden' }).click()
    await cost.getByText('Lagret.', { exact: true }).waitFor()

    const member = await newVisitor(browser, application.url)
    await logIn(member.page, { provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' })
    await readyLine(member.page).waitFor()
    const next = await newVisitor(browser, application.url)
    await chooseOrganization(next.page, 'Fjordhjelpen')
    await next.page.getByText('Vipps virker ikke i Fjordhjelpen akkurat nå. Logg inn med BankID.').waitFor()

    await page.reload()
    await page.getByRole('heading', { name: 'Månedens grense for Vipps er nådd' }).waitFor()
    const usage = part(page, 'Bruk av Vipps')
    await usage.getByText('1 av 1 innlogginger denne måneden').waitFor()
    expect(await usage.getByRole('progressbar').count()).toBe(1)
    await see(page, 'cap-reached')

    await cost.getByLabel('Høyst så mange innlogginger i måneden').fill('')
    await cost.getByRole('button', { name: 'Lagre kostnaden' }).click()
    await cost.getByText('Lagret.', { exact: true }).waitFor()
    await next.page.reload()
    await next.page.getByRole('button', { name: 'Logg inn med Vipps' }).waitFor()
  })

  it('asks for a confirmation in the app, without which nobody comes in', async () => {
    const { page } = administrator
    const vipps = part(page, 'Vipps')
    const ask = vipps.getByLabel('Alle må bekrefte i Vipps-appen')
    await ask.check()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Lagret.', { exact: true }).waitFor()
    const member = await newVisitor(browser, application.url)
    application.sandbox.setScenario('vipps', 'no-app-confirmation', { once: true })
    await logIn(member.page, { provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' })
    await member.page.getByText('Innloggingen var ikke på et høyt nok sikkerhetsnivå.').waitFor()
    await logIn(member.page, { provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' })
    await readyLine(member.page).waitFor()
    await member.context.close()
    await ask.uncheck()
    await vipps.getByRole('button', { name: 'Lagre Vipps' }).click()
    await vipps.getByText('Lagret.', { exact: true }).waitFor()
  })

  it('sets the level, by which a way in that is below it is no longer offered', async () => {
    const { page } = administrator
    const assurance = part(page, 'Sikkerhetsnivå')
    await assurance.getByLabel('Høyt').check()
    await assurance.getByRole('button', { name: 'Lagre sikkerhetsnivået' }).click()
    await page.getByRole('heading', { name: 'Vipps er under sikkerhetsnivået dere krever' }).waitFor()
    const member = await newVisitor(browser, application.url)
    await chooseOrganization(member.page, 'Fjordhjelpen')
    await member.page.getByText('Vipps virker ikke i Fjordhjelpen akkurat nå.').waitFor()
    await assurance.getByLabel('Lavt').check()
    await assurance.getByRole('button', { name: 'Lagre sikkerhetsnivået' }).click()
    await assurance.getByText('Lagret.', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await see(page, 'admin-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('is not for others', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'BankID', organization: 'Fjordhjelpen', person: 'fjordhjelpen-koordinator' })
    await readyLine(page).waitFor()
    expect(await page.getByRole('link', { name: /^Administrasjon/ }).count()).toBe(0)
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    for (const path of ['/admin', '/admin/duplicates']) {
      await page.goto(path)
      await page.getByRole('heading', { name: 'Denne siden er for administratorer' }).waitFor()
    }
    expect(asked.filter((path) => /organization\/login|duplicates/.test(path) && path.startsWith('/nokkel'))).toEqual(
      [],
    )
  })
})

describe('two accounts of one person', () => {
  const person = 'ny-person'
  let byVipps: Visitor
  const logins = (page: Page) => page.getByRole('region', { name: 'Måter å logge inn på' })

  it('are found when somebody has both logins', async () => {
    byVipps = await newVisitor(browser, application.url)
    await logIn(byVipps.page, { provider: 'Vipps', organization: 'Fjordhjelpen', person, personnummer: false })
    await readyLine(byVipps.page).waitFor()
    const byBankId = await newVisitor(browser, application.url)
    await logIn(byBankId.page, { provider: 'BankID', organization: 'Fjordhjelpen', person })
    await readyLine(byBankId.page).waitFor()

    const { page } = byVipps
    await page.goto('/account')
    await logins(page).getByRole('button', { name: 'Legg til BankID' }).click()
    await agree(page)
    await beAt(page, person)
    await page.getByText('Denne innloggingen hører til en annen konto som kan være din.').waitFor()
    await byBankId.context.close()
  })

  it('are compared, and merged as it was previewed', async () => {
    const { page } = administrator
    await page.goto('/admin/duplicates')
    await page.getByRole('heading', { name: /Nina .* og Nina / }).waitFor()
    await see(page, 'duplicates')
    await page.getByRole('link', { name: /^Sammenlign Nina/ }).click()
    await page.getByRole('heading', { name: 'Er dette samme person?' }).waitFor()
    const shown = await page.locator('main').innerText()
    expect(shown).toContain('•')
    expect(shown).not.toContain('ny-person@person.example')
    expect(shown).not.toMatch(/\d{11}/)
    await page.getByRole('button', { name: 'Vis hva som vil skje' }).click()
    await page.getByText('Velg kontoen som skal beholdes.').waitFor()
    const bankid = page.getByRole('article').filter({ hasText: 'BankID' }).filter({ hasNotText: 'Vipps' })
    await bankid.getByRole('radio', { name: 'Behold denne' }).check()
    await page.getByRole('button', { name: 'Vis hva som vil skje' }).click()
    await page.getByRole('heading', { name: 'Flyttes' }).waitFor()
    await see(page, 'compare')
    await page.getByRole('button', { name: 'Slå sammen kontoene' }).click()
    await page.getByRole('heading', { name: 'Kontoene er slått sammen' }).waitFor()
    await see(page, 'merged')
    await page.reload()
    await page.getByRole('heading', { name: 'Kontoene er slått sammen' }).waitFor()
    await page.getByRole('button', { name: 'Angre' }).waitFor()

    await byVipps.page.reload()
    await byVipps.page.getByRole('heading', { name: 'Kontoene dine er slått sammen' }).waitFor()
    await look(byVipps.page, 'account-merged', 'login')
    await byVipps.context.close()
  })

  it('are one then, whichever way the person comes', async () => {
    const ids: string[] = []
    for (const provider of ['Vipps', 'BankID'] as const) {
      const { page, context } = await newVisitor(browser, application.url)
      await logIn(page, { provider, organization: 'Fjordhjelpen', person, personnummer: false })
      await readyLine(page).waitFor()
      await page.goto('/account')
      ids.push(await page.getByLabel('Din id').inputValue())
      await context.close()
    }
    expect(new Set(ids).size).toBe(1)
  })

  it('are two again when it is undone', async () => {
    const { page } = administrator
    await page.goto('/admin/duplicates')
    await page.getByText('Slått sammen', { exact: true }).click()
    await page.getByRole('button', { name: /^Angre sammenslåingen av / }).click()
    await see(page, 'undo')
    await page.getByRole('button', { name: 'Ja, angre' }).click()
    await page.getByText('Sammenslåingen er angret.').waitFor()
    const { page: own } = await newVisitor(browser, application.url)
    await leaveFor(own, { provider: 'Vipps', organization: 'Fjordhjelpen', personnummer: false })
    await beAt(own, person)
    await readyLine(own).waitFor()
    await own.goto('/account')
    expect(await logins(own).getByText('BankID', { exact: true }).count()).toBe(0)
  })

  it('are dismissed when they are two people', async () => {
    const { page } = administrator
    await page.goto('/admin/duplicates')
    await page.getByRole('link', { name: /^Sammenlign Nina/ }).click()
    await page.getByRole('button', { name: 'Det er to personer' }).click()
    await page.getByRole('button', { name: 'Ja, det er to personer' }).click()
    await page.getByText('Ingen mulige dubletter').waitFor()
    await see(page, 'duplicates-none')
  })

  it('are open again when that was wrong', async () => {
    const { page } = administrator
    await page.getByText('To personer', { exact: true }).click()
    await page.getByRole('button', { name: /^Ta opp igjen Nina/ }).click()
    await page.getByRole('dialog', { name: 'Ta opp paret igjen?' }).waitFor()
    await see(page, 'take-up-again')
    await page.getByRole('button', { name: 'Ja, angre' }).click()
    await page.getByText('Paret står igjen blant de uavgjorte.').waitFor()
    await page.getByText('Uavgjorte', { exact: true }).click()
    await page.getByRole('link', { name: /^Sammenlign Nina/ }).waitFor()
  })
})
