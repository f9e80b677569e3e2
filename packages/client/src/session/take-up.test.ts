import { describe, expect, it, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createLaterLock } from '../testing/later-lock.ts'
import { twoPeople } from '../testing/two-people.ts'

const kari = ['signed_in', 'Kari Nordmann']

describe('a page that takes up a session', () => {
  it('tells once that nothing can be stored', async () => {
    const { openTab, shared } = twoPeople()
    await openTab().logIn()
    const open = vi.fn(
      () => new Promise<void>((_resolve, reject) => setImmediate(reject, new NokkelError('storage_full'))),
    )
    const { nokkel } = openTab({ storage: { ...shared.tab(), open } })
    void nokkel.start()
    await vi.waitFor(() => expect(open).toHaveBeenCalled())
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'storage_full' })
    expect(open).toHaveBeenCalledOnce()
  })

  it.each([
    ['has expired', 'session_expired'],
    ['has lost its key', 'keys_lost'],
  ])('that %s ends it, and another one that does the same at the same time goes on', async (how, notice) => {
    const { clock, openTab, server, shared, stored } = twoPeople()
    const first = openTab()
    await first.logIn()
    first.nokkel.close()
    if (how === 'has expired') clock.time += 366 * 86_400_000
    else await shared.inner.delete(`device_v1.${server.member.id}`)
    const tabs = [openTab(), openTab()]
    for (const { nokkel } of tabs) void nokkel.start()
    const states = () => tabs.map(({ nokkel }) => nokkel.auth.getSnapshot())
    await vi.waitFor(() => expect(states().map(({ status }) => status)).toEqual(['signed_out', 'signed_out']))
    expect(states().map((state) => state.notice)).toContain(notice)
    expect(await stored()).toBeUndefined()
  })

  it('does not take it for lost when it is bound to its device meanwhile', async () => {
    const mutex = createMutex()
    const { openTab, enter, settled, late, server, stored, shown } = twoPeople({ lock: mutex })
    const one = openTab()
    await one.nokkel.start()
    const registered = late('registerDevice')
    await enter(one, server.member)
    await registered.reached
    const lock = createLaterLock(mutex)
    const two = openTab({ lock })
    lock.postpone('identity')
    const started = two.nokkel.start()
    await lock.postponed
    registered.open()
    await settled(one)
    lock.release()
    await started
    expect(shown(two)).toEqual(kari)
    expect(await stored()).toBeDefined()
  })
})

describe('a page that is locked', () => {
  it('does not log out who has logged in elsewhere, of which it was not told yet', async () => {
    const { authenticator } = createMemoryAuthenticator()
    const { clock, openTab, shared, enter, server, stored, shown } = twoPeople({ authenticator })
    const one = openTab({ storage: { ...shared.tab(), subscribe: () => () => {} } })
    await one.logIn()
    await one.nokkel.biometrics.enrollBiometrics(server.member.id)
    clock.time += 11 * 60_000
    await one.nokkel.auth.accessToken()
    clock.time += 31 * 60_000
    await one.nokkel.auth.accessToken().catch(() => {})
    expect(one.nokkel.auth.getSnapshot().status).toBe('locked')
    await enter(openTab())
    await one.nokkel.auth.signOut()
    expect((await stored())?.userId).toBe(server.coordinator.id)
    expect(server.sessions.at(-1)?.ended).toBeUndefined()
    expect(shown(one)).toEqual(['signed_in', 'Ingrid Solberg'])
  })
})
