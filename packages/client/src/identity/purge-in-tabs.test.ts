import { syntheticNationalNumber } from '@nokkel/sandbox'
import { describe, expect, it, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { sharedStorage } from '../testing/shared-storage.ts'

const typed = syntheticNationalNumber('1984-03-17')

/** Two tabs of a person whose number is kept; in the second one the row is on its way, as it was. */
async function reading() {
  const shared = sharedStorage()
  const server = createFakeServer()
  const lock = createMutex()
  const one = createFakeClient(server, { storage: shared.tab(), lock })
  const two = createFakeClient(server, { storage: shared.tab(), lock })
  await two.nokkel.start()
  await one.logIn()
  await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot().status).toBe('signed_in'))
  await two.nokkel.keys.settled()
  const { id } = server.member
  await one.nokkel.identity.storePersonnummer(id, typed, { version: 'v1' })
  await one.nokkel.identity.purgeLocalIdentityData()
  let arrive = () => {}
  const gate = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const asked = vi.fn()
  server.intercept('getIdentity', async (exchange) => {
    const answer = await server.respond(exchange)
    asked()
    await gate
    return answer
  })
  const row = two.nokkel.identity.getIdentityByUserId(id)
  await vi.waitFor(() => expect(asked).toHaveBeenCalled())
  return { shared, server, one, two, id, row, arrive }
}

describe('a row on its way to another tab', () => {
  it('is not cached when a consent was withdrawn meanwhile', async () => {
    const { shared, one, two, id, row, arrive } = await reading()
    const [consent] = await one.nokkel.privacy.consents()
    await one.nokkel.privacy.withdraw(consent?.id ?? '')
    const after = two.nokkel.identity.getIdentityByUserId(id)
    arrive()
    expect((await row)?.personnummer).toMatch(/./)
    expect(await after).toMatchObject({ personnummer: null })
    expect(await shared.inner.get(`identity_v1.${id}`)).toMatchObject({ personnummer: null })
    expect(await one.nokkel.identity.getIdentityByUserId(id)).toMatchObject({ personnummer: null })
  })

  it('is not cached when a way in was added meanwhile', async () => {
    const { shared, one, id, row, arrive } = await reading()
    await one.nokkel.bankId.link({ consent: { personnummer: false } })
    await one.nokkel.auth.completeSignIn(one.callback('bankid'))
    arrive()
    await row
    expect(await shared.inner.get(`identity_v1.${id}`)).toBeUndefined()
  })

  it('is cached otherwise, and nothing is left of that after the session', async () => {
    const { shared, one, id, row, arrive } = await reading()
    arrive()
    await row
    expect(await shared.inner.get(`identity_v1.${id}`)).toMatchObject({ userId: id })
    await one.nokkel.auth.signOut()
    expect(await shared.inner.list('')).toEqual([`device_v1.${id}`])
  })
})

describe('another tab of somebody who was erased', () => {
  it('says so, and nothing is left of it', async () => {
    const { shared, one, two, row, arrive } = await reading()
    arrive()
    await row
    await one.nokkel.privacy.erase()
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot().status).toBe('signed_out'))
    expect(two.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'account_erased' })
    expect(two.nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
    expect(await shared.inner.list('')).toEqual([])
    await two.nokkel.start()
    expect(two.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
  })

  it('is told nothing of that when the person logs out', async () => {
    const { one, two, row, arrive } = await reading()
    arrive()
    await row
    await one.nokkel.auth.signOut()
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' }))
  })
})
