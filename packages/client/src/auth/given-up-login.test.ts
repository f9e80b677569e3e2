import { afterEach, describe, expect, it, vi } from 'vitest'
import { consented } from '../testing/fake-client.ts'
import { createGate, twoPeople } from '../testing/two-people.ts'
import type { LinkRecord } from './login-records.ts'

afterEach(() => void vi.useRealTimers())

/** Logs in with Vipps, which is to be confirmed by BankID. */
async function offerTo({ nokkel, callback }: ReturnType<ReturnType<typeof twoPeople>['openTab']>, offer: () => void) {
  offer()
  await nokkel.auth.signIn('vipps', consented)
  await nokkel.auth.completeSignIn(callback())
}

describe('a login that is cancelled', () => {
  it('while the session before is ended puts none in its place', async () => {
    const { tabsOfKari, codeOf, server, stored, shown } = twoPeople()
    const [tab] = await tabsOfKari()
    const { nokkel, callback } = tab
    server.logInAs(server.coordinator)
    await nokkel.auth.signIn('vipps', consented)
    const gate = createGate()
    server.intercept('signOut', gate.wait)
    const completed = codeOf(nokkel.auth.completeSignIn(callback()))
    await gate.reached
    await nokkel.vipps.cancel()
    gate.open()
    expect(await completed).toBe('cancelled')
    // Her session was over already.
    expect(await stored()).toBeUndefined()
    expect(shown(tab)).toEqual(['signed_out', undefined])
    expect(server.sessions.at(-1)).toMatchObject({ user: server.coordinator, ended: 'session_ended' })
    expect(nokkel.vipps.getSnapshot().status).toBe('idle')
  })

  it('while it becomes an account of its own leaves none', async () => {
    const { openTab, late, server, stored, shown } = twoPeople()
    const tab = openTab()
    await tab.nokkel.start()
    await offerTo(tab, () => server.offerLinking('bankid'))
    const answer = late('continueLogin')
    const continued = tab.nokkel.vipps.continueAsNew()
    await answer.reached
    await tab.nokkel.vipps.cancel()
    answer.open()
    await continued
    expect(await stored()).toBeUndefined()
    expect(shown(tab)).toEqual(['signed_out', undefined])
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended'])
  })
})

describe('an account of its own', () => {
  it('waits for a login that another tab finishes', async () => {
    const { openTab, enter, settled, late, codeOf, server, stored } = twoPeople()
    const [one, two] = [openTab(), openTab()]
    for (const { nokkel } of [one, two]) await nokkel.start()
    await offerTo(one, () => server.offerLinking('bankid'))
    const answer = late('completeLogin')
    const entered = enter(two)
    await answer.reached
    const continued = codeOf(one.nokkel.vipps.continueAsNew())
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    expect(server.log).not.toContain('continueLogin')
    answer.open()
    await entered
    // The other login has taken the link with it.
    expect(await continued).toBe('link_unknown')
    await settled(two)
    expect((await stored())?.userId).toBe(server.coordinator.id)
  })
})

describe('a link whose time is over', () => {
  it('does not take the newer one of another tab with it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { clock, openTab, codeOf, server, shared, shown } = twoPeople()
    const [one, two] = [openTab(), openTab()]
    for (const { nokkel } of [one, two]) await nokkel.start()
    const pass = async (minutes: number) => {
      clock.time += minutes * 60_000
      await vi.advanceTimersByTimeAsync(minutes * 60_000)
    }
    await offerTo(one, () => server.offerLinking('bankid'))
    const first = (await shared.inner.get('link_v1')) as LinkRecord
    await pass(10)
    await offerTo(two, () => server.offerLinking('bankid'))
    const second = (await shared.inner.get('link_v1')) as LinkRecord
    expect(Date.parse(second.keptUntil)).toBeGreaterThan(Date.parse(first.keptUntil))
    await pass(6)
    expect(one.nokkel.vipps.getSnapshot()).toMatchObject({ status: 'error', reason: 'link_unknown' })
    vi.useRealTimers()
    expect(await codeOf(two.nokkel.vipps.continueAsNew())).toBe('done')
    expect(shown(two)[0]).toBe('signed_in')
  })
})
