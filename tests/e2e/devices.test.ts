import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { type Login, logIn, lookAgain, readyLine, send } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

let application: Application
let browser: Browser

beforeAll(async () => {
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

async function atNewDevice(login: Login): Promise<Visitor> {
  const visitor = await newVisitor(browser, application.url)
  await logIn(visitor.page, login)
  return visitor
}

describe('a member who changes device where one is allowed', () => {
  const asMember: Login = { provider: 'Vipps', organization: 'Likeperson', person: 'likeperson-medlem-1' }
  const title = 'Følge til legen'
  let former: Visitor
  let present: Visitor
  let coordinator: Visitor

  beforeAll(async () => {
    former = await atNewDevice(asMember)
    await readyLine(former.page).waitFor()
    coordinator = await atNewDevice({
      provider: 'BankID',
      organization: 'Likeperson',
      person: 'likeperson-koordinator',
    })
    await readyLine(coordinator.page).waitFor()
    await send(coordinator.page, { to: 'Kari Nordmann', title, body: 'Møt opp klokka 9.' })
  })

  it('is asked once, and may leave everything as it is', async () => {
    present = await atNewDevice(asMember)
    const { page } = present
    const dialog = page.getByRole('dialog', { name: 'Bytte til denne enheten?' })
    await dialog.waitFor()
    await dialog.getByRole('button', { name: 'Behold den andre' }).click()
    await page.getByText('Du har ikke nøkler på denne enheten').waitFor()
    await page.getByText('Kan ikke leses her').waitFor()

    await lookAgain(former.page)
    await former.page.getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ }).waitFor()
  })

  it('makes the new device ready when they say so', async () => {
    const { page } = present
    await page.getByRole('button', { name: 'Bruk denne enheten i stedet' }).click()
    await page.getByRole('button', { name: 'Bytt til denne enheten' }).click()
    await readyLine(page).waitFor()
    await page.getByText('Det ble sendt til en enhet du ikke bruker lenger.').waitFor()
    expect(await page.getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ }).count()).toBe(0)
  })

  it('is told on the old device, which deletes its keys', async () => {
    const { page } = former
    await lookAgain(page)
    await page.getByText('En annen enhet har tatt over').waitFor()
    expect(new URL(page.url()).pathname).toBe('/login')
    const { names, privateKeys } = await readStorage(page)
    expect(names).toEqual([])
    expect(privateKeys.map(({ algorithm }) => algorithm)).toEqual(['AES-GCM'])
  })

  it('is seen by the coordinator as unable to read, and sent it again with one action', async () => {
    const { page } = coordinator
    await page.goto('/sent')
    const sent = page.getByRole('listitem').filter({ hasText: title })
    await sent.getByText('1 kan ikke lese').waitFor()
    await sent.getByRole('button', { name: `Send på nytt: ${title}` }).click()
    await sent.getByText('1 venter').waitFor()
    expect(await sent.getByRole('button', { name: /^Send på nytt/ }).count()).toBe(0)
  })

  it('reads it on the new device', async () => {
    const { page } = present
    await lookAgain(page)
    await page.getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ }).click()
    await page.getByRole('heading', { name: title }).waitFor()
    await page.getByText('Møt opp klokka 9.').waitFor()
  })

  it('finds the device ready after logging out and in again', async () => {
    const { page } = present
    await page.getByRole('button', { name: /^Konto og innstillinger/ }).click()
    await page.getByRole('button', { name: 'Logg ut' }).click()
    await page.waitForURL('**/login')
    await logIn(page, asMember)
    await readyLine(page).waitFor()
    await page.getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ }).click()
    await page.getByRole('heading', { name: title }).waitFor()
  })

  it('is told when the keys are gone from the storage, and gets new ones', async () => {
    const { page } = present
    await page.evaluate(async () => {
      const opening = indexedDB.open('nokkel')
      await new Promise((resolve) => {
        opening.onsuccess = resolve
      })
      const transaction = opening.result.transaction('value', 'readwrite')
      const store = transaction.objectStore('value')
      const names = store.getAllKeys()
      names.onsuccess = () => {
        for (const name of names.result) if (String(name).startsWith('device_v1.')) store.delete(name)
      }
      await new Promise((resolve) => {
        transaction.oncomplete = resolve
      })
      opening.result.close()
    })
    await page.goto('/inbox')
    await page.getByText('Nøklene på denne enheten er borte').waitFor()
    await logIn(page, asMember)
    await page.getByRole('button', { name: 'Bytt til denne enheten' }).click()
    await readyLine(page).waitFor()
  })

  it('ends a device from the list, which logs it out', async () => {
    const { page } = present
    await page.goto('/devices')
    await page.getByRole('button', { name: /^Avslutt .+/ }).click()
    await page.getByRole('button', { name: 'Ja, avslutt enheten' }).click()
    await page.getByText('Denne enheten er avsluttet').waitFor()
    expect((await readStorage(page)).names).toEqual([])
  })
})

describe('a member with two devices where several are allowed', () => {
  const asMember: Login = { provider: 'BankID', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' }

  it('is not asked anything, and reads on both', async () => {
    const [one, other, coordinator] = [
      await atNewDevice(asMember),
      await atNewDevice(asMember),
      await atNewDevice({ provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-koordinator' }),
    ]
    for (const { page } of [one, other, coordinator]) await readyLine(page).waitFor()
    await send(coordinator.page, { to: 'Bjørn Ødegård', title: 'Besøk på Ørlandet', body: 'Ta med matpakke.' })
    for (const { page } of [one, other]) {
      await lookAgain(page)
      await page.getByRole('link', { name: /Oppdrag fra Silje Vik/ }).click()
      await page.getByRole('heading', { name: 'Besøk på Ørlandet' }).waitFor()
      await page.getByText('Ta med matpakke.').waitFor()
      await page.getByRole('link', { name: 'Tilbake til innboksen' }).click()
    }
    await one.page.goto('/devices')
    const ends = one.page.getByRole('button', { name: /^Avslutt .+/ })
    await ends.nth(1).waitFor()
    expect(await ends.count()).toBe(2)
  })
})
