import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { Refusal } from '../testing/refusal.ts'
import { createGate, twoPeople } from '../testing/two-people.ts'

const kari = ['signed_in', 'Kari Nordmann']
const ingrid = ['signed_in', 'Ingrid Solberg']
const nobody = ['signed_out', undefined]

afterEach(() => void vi.unstubAllGlobals())

describe('what somebody asked for', () => {
  it('is not done as who has logged in while it waited for a refresh', async () => {
    const { clock, tabsOfKari, enter, late, askersOf, codeOf, server, shown } = twoPeople()
    const [one, two, three] = await tabsOfKari()
    clock.time += 9.5 * 60_000
    const refresh = late('refreshSession')
    const before = codeOf(two.nokkel.auth.sessions())
    await refresh.reached
    const askers = askersOf('erasePerson')
    const erased = codeOf(one.nokkel.privacy.erase())
    await vi.waitFor(() => expect(one.nokkel.auth.getSnapshot().status).toBe('signed_in'))
    await enter(three)
    refresh.open()
    await before
    expect(await erased).toBe('signed_out')
    expect(askers).toEqual([])
    expect(server.sessions.at(-1)?.ended).toBeUndefined()
    expect(shown(three)).toEqual(ingrid)
  })

  it('is not done as who has logged in while another request was ahead of it', async () => {
    const { tabsOfKari, enter, late, askersOf, codeOf, server } = twoPeople()
    const [one, two, three] = await tabsOfKari()
    const ahead = late('getIdentity')
    const row = codeOf(two.nokkel.identity.getIdentityByUserId(server.member.id))
    await ahead.reached
    const askers = askersOf('keepPersonnummer')
    const kept = codeOf(one.nokkel.identity.keepOffered({ version: 'v1' }))
    await new Promise(setImmediate)
    await enter(three)
    ahead.open()
    await row
    expect(await kept).not.toBe('done')
    expect(askers).toEqual([])
  })

  it('is not repeated as who has logged in when the token of the first try is refused', async () => {
    const { tabsOfKari, enter, askersOf, codeOf, server } = twoPeople()
    const [one, two] = await tabsOfKari()
    server.intercept('revokeSession', async () => {
      await enter(two)
      return new Refusal('token_expired', 401).toResponse()
    })
    const askers = askersOf('revokeSession')
    expect(await codeOf(one.nokkel.auth.endSession(crypto.randomUUID()))).toBe('signed_out')
    expect(askers).toEqual(['Kari Nordmann'])
  })

  it('is not done as who has logged in elsewhere, of which this page was not told yet', async () => {
    const { shared, openTab, enter, askersOf, codeOf, shown } = twoPeople()
    const one = openTab({ storage: { ...shared.tab(), subscribe: () => () => {} } })
    await one.logIn()
    await enter(openTab())
    const askers = askersOf('erasePerson')
    expect(shown(one)).toEqual(kari)
    expect(await codeOf(one.nokkel.privacy.erase())).toBe('signed_out')
    expect(askers).toEqual([])
  })

  it('replaces no device of who has logged in elsewhere', async () => {
    const { shared, openTab, enter, settled, server, stored, shown } = twoPeople()
    await openTab({ storage: memoryStorage() }).logIn()
    const one = openTab({ storage: { ...shared.tab(), subscribe: () => () => {} } })
    await one.logIn()
    expect(one.nokkel.keys.getSnapshot().status).toBe('confirm_replace')
    const two = openTab()
    await enter(two)
    await settled(two)
    const devices = server.devices.length
    await one.nokkel.keys.confirmReplace()
    expect(server.devices).toHaveLength(devices)
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect(shown(two)).toEqual(ingrid)
  })

  it('does not log out who has logged in elsewhere, nor gives their access token', async () => {
    const { shared, openTab, enter, codeOf, server, stored, shown } = twoPeople()
    const one = openTab({ storage: { ...shared.tab(), subscribe: () => () => {} } })
    await one.logIn()
    await enter(openTab())
    expect(await codeOf(one.nokkel.auth.accessToken())).toBe('signed_out')
    expect(shown(one)).toEqual(kari)
    await one.nokkel.auth.signOut()
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect(server.sessions.at(-1)?.ended).toBeUndefined()
    expect(shown(one)).toEqual(ingrid)
  })

  it('ends only their own session when it is a device that is removed', async () => {
    const { tabsOfKari, enter, settled, late, codeOf, server, shared, stored, shown } = twoPeople()
    const [one, two] = await tabsOfKari()
    const [device] = await one.nokkel.devices.list()
    const answer = late('revokeDevice')
    const revoked = codeOf(one.nokkel.devices.revoke(device?.id ?? ''))
    await answer.reached
    await enter(two)
    await settled(two)
    answer.open()
    await revoked
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect(await shared.inner.list('device_v1')).toContain(`device_v1.${server.coordinator.id}`)
    expect(shown(two)).toEqual(ingrid)
  })
})

describe('the session of who logs in', () => {
  it('is not bound to the device of the person before', async () => {
    const { openTab, enter, settled, late, server, shared, stored, shown } = twoPeople()
    const [one, two] = [openTab(), openTab()]
    for (const { nokkel } of [one, two]) await nokkel.start()
    const registered = late('registerDevice')
    await enter(one, server.member)
    await registered.reached
    await enter(two)
    const bound: (string | undefined)[] = []
    shared.tab().subscribe?.(async () => bound.push((await stored())?.boundKey))
    registered.open()
    await settled(one)
    await settled(two)
    expect(bound).not.toContain(`device_v1.${server.member.id}`)
    expect(await stored()).toMatchObject({
      userId: server.coordinator.id,
      boundKey: `device_v1.${server.coordinator.id}`,
    })
    expect(two.nokkel.keys.getSnapshot().status).toBe('ready')
    expect(shown(two)).toEqual(ingrid)
  })

  it('stays when the person before signs out meanwhile', async () => {
    const { tabsOfKari, enter, settled, late, server, stored, shown } = twoPeople()
    const [one, two] = await tabsOfKari()
    const answer = late('signOut')
    const out = one.nokkel.auth.signOut()
    await answer.reached
    await enter(two)
    await settled(two)
    answer.open()
    await out
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect([shown(one), shown(two)]).toEqual([ingrid, ingrid])
  })

  it('keeps its key when the session before ends in that moment', async () => {
    const { tabsOfKari, openTab, enter, codeOf, server, shared, stored, shown } = twoPeople()
    const [one] = await tabsOfKari()
    const tab = shared.tab()
    let refused: Promise<unknown> | undefined
    const storage = {
      ...tab,
      async put(name: string, value: unknown) {
        await tab.put(name, value)
        if (name !== 'login_key_v1' || refused !== undefined) return
        server.intercept('listSessions', () => new Refusal('session_ended', 401).toResponse())
        refused = codeOf(one.nokkel.auth.sessions())
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      },
    }
    const two = openTab({ storage })
    await two.nokkel.start()
    await enter(two)
    await refused
    await two.nokkel.keys.settled()
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect(shown(two)).toEqual(ingrid)
    expect(two.nokkel.keys.getSnapshot().status).toBe('ready')
  })
})

describe('who is shown', () => {
  it('is nobody when the answer comes after they have signed out', async () => {
    const { openTab, enter, late, server, shown } = twoPeople()
    const one = openTab()
    await one.nokkel.start()
    const gate = Promise.withResolvers<ReturnType<typeof createGate>>()
    server.intercept('registerDevice', () => {
      gate.resolve(late('getMe'))
      return undefined
    })
    await enter(one, server.member)
    const answer = await gate.promise
    await answer.reached
    await one.nokkel.auth.signOut()
    answer.open()
    await one.nokkel.keys.settled()
    expect(shown(one)).toEqual(nobody)
  })

  it('is not the person before when their answer comes after another login', async () => {
    const { tabsOfKari, enter, late, codeOf, shown } = twoPeople()
    const [one, two] = await tabsOfKari()
    const answer = late('getMe')
    const withdrawn = codeOf(one.nokkel.privacy.withdraw(crypto.randomUUID()))
    await answer.reached
    await enter(two)
    await vi.waitFor(() => expect(shown(one)).toEqual(ingrid))
    answer.open()
    await withdrawn
    expect(shown(one)).toEqual(ingrid)
  })

  it.each(['before', 'after'] as const)(
    'is nobody in a tab that starts while they sign out, %s the answer',
    async (when) => {
      const { tabsOfKari, openTab, late, server, shown } = twoPeople()
      const [two] = await tabsOfKari()
      const gate = when === 'after' ? late('getMe') : createGate()
      if (when === 'before') server.intercept('getMe', gate.wait)
      const one = openTab()
      const started = one.nokkel.start()
      await gate.reached
      await two.nokkel.auth.signOut()
      gate.open()
      await started
      await vi.waitFor(() => expect(shown(one)).toEqual(nobody))
    },
  )

  it('is who has logged in while a tab looks who it was before', async () => {
    const { tabsOfKari, openTab, shared, enter, settled, shown } = twoPeople()
    const [, two] = await tabsOfKari()
    const tab = shared.tab()
    const gate = createGate()
    let isLate = false
    const storage = {
      ...tab,
      async get(name: string) {
        const value = await tab.get(name)
        if (isLate && name.startsWith('last_provider_v1')) await gate.wait()
        return value
      },
    }
    const one = openTab({ storage })
    await one.nokkel.start()
    isLate = true
    await two.nokkel.auth.signOut()
    await gate.reached
    await enter(two)
    await settled(two)
    await vi.waitFor(() => expect(shown(one)).toEqual(ingrid))
    const states: unknown[] = []
    one.nokkel.auth.subscribe(() => states.push(shown(one)))
    gate.open()
    await vi.waitFor(() => expect(states.length).toBeGreaterThan(0))
    expect(states).toEqual([ingrid])
  })

  it('is who has logged in while another tab starts', async () => {
    const { tabsOfKari, openTab, enter, settled, server, shown } = twoPeople()
    const [two] = await tabsOfKari()
    const gate = createGate()
    server.intercept('getMe', gate.wait)
    const one = openTab()
    const started = one.nokkel.start()
    await gate.reached
    await enter(two)
    await settled(two)
    gate.open()
    await started
    await vi.waitFor(() => expect(shown(one)).toEqual(ingrid))
  })

  it.each([
    ['pageshow', 'signs out'],
    ['focus', 'makes way for somebody else'],
  ])('is looked up at %s by a page that was put aside when the person %s', async (event, what) => {
    const page = new EventTarget()
    vi.stubGlobal('window', page)
    const { shared, openTab, enter, shown } = twoPeople()
    const one = openTab({ storage: { ...shared.tab(), subscribe: () => () => {} } })
    await one.logIn()
    const two = openTab()
    await two.nokkel.start()
    if (what === 'signs out') await two.nokkel.auth.signOut()
    else await enter(two)
    expect(shown(one)).toEqual(kari)
    page.dispatchEvent(new Event(event))
    await vi.waitFor(() => expect(shown(one)).toEqual(what === 'signs out' ? nobody : ingrid))
    for (const { nokkel } of [one, two]) nokkel.close()
  })

  it('is nobody between two people, also where it was not known who the second one is', async () => {
    const { tabsOfKari, enter, server, shown } = twoPeople()
    const [one, two] = await tabsOfKari()
    const states: unknown[] = []
    one.nokkel.auth.subscribe(() => states.push(shown(one)))
    const fail = () => new Response('', { status: 500 })
    server.intercept('completeLogin', () => {
      for (let tab = 0; tab < 3; tab++) server.intercept('getMe', fail)
      return undefined
    })
    await enter(two, server.member)
    await vi.waitFor(() => expect(shown(one)).toEqual(['error', undefined]))
    states.length = 0
    await enter(two)
    await vi.waitFor(() => expect(shown(one)).toEqual(ingrid))
    expect(states.slice(0, 2)).toEqual([nobody, ingrid])
    expect(one.nokkel.biometrics.getSnapshot()).toEqual({ status: 'unknown' })
  })
})

describe('biometrics of who logs in', () => {
  it('stay when the enrolment of the person before comes too late', async () => {
    const { authenticator } = createMemoryAuthenticator()
    const { openTab, enter, settled, late, askersOf, server } = twoPeople({ authenticator })
    const [one, two] = [openTab(), openTab()]
    for (const { nokkel } of [one, two]) await nokkel.start()
    const { id } = server.coordinator
    await two.logIn(server.coordinator)
    await two.nokkel.biometrics.enrollBiometrics(id)
    await two.nokkel.auth.signOut()
    await one.logIn()
    const answer = late('enrollBiometrics')
    const enrolled = one.nokkel.biometrics.enrollBiometrics(server.member.id)
    await answer.reached
    await enter(two)
    await settled(two)
    const askers = askersOf('removeBiometrics')
    answer.open()
    expect(await enrolled).toMatchObject({ status: 'enrollmentError', error: 'signed_out' })
    expect(askers).toEqual([])
    expect([...server.biometrics.enrollments.values()].map(({ userId }) => userId)).toContain(id)
    expect(await two.nokkel.biometrics.isBiometricEnrolled(id)).toBe(true)
  })
})
