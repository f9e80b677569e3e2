import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { createWatch } from './watch.ts'

const minute = 60_000

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A page that stays open, of somebody whose device is enrolled. */
async function openPage({ isRefreshed = true, isEnrolled = true } = {}) {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const { authenticator } = createMemoryAuthenticator()
  const options = { now, storage: memoryStorage(), lock: createMutex(), authenticator }
  const { nokkel, logIn } = createFakeClient(server, options)
  const page = new EventTarget()
  vi.stubGlobal('document', page)
  vi.stubGlobal('window', page)
  await logIn()
  if (isEnrolled) await nokkel.biometrics.enrollBiometrics(server.member.id)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  if (isRefreshed) {
    clock.time += 10 * minute
    await nokkel.auth.accessToken()
  }
  server.log.length = 0
  /** What is looked up meanwhile comes from other threads as well, which know nothing of these timers. */
  const looked = async () => {
    for (let turn = 0; turn < 100 && vi.getTimerCount() === 0; turn++) await new Promise(setImmediate)
  }
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 10_000) {
      clock.time += Math.min(left, 10_000)
      await vi.advanceTimersByTimeAsync(Math.min(left, 10_000))
      await looked()
    }
  }
  // From here on by these timers.
  page.dispatchEvent(new Event('focus'))
  await looked()
  const status = () => nokkel.auth.getSnapshot().status
  return { clock, server, options, nokkel, page, pass, status }
}

describe('a page that stays open', () => {
  it('is locked when its time is over, without a request', async () => {
    const { server, pass, status } = await openPage()
    await pass(30 * minute - 1000)
    expect(status()).toBe('signed_in')
    await pass(2000)
    await vi.waitFor(() => expect(status()).toBe('locked'))
    expect(server.log).toEqual([])
  })

  it('is locked half an hour after the login where nothing was refreshed since the device was enrolled', async () => {
    const { server, pass, status } = await openPage({ isRefreshed: false })
    await pass(30 * minute - 1000)
    expect(status()).toBe('signed_in')
    await pass(31_000)
    await vi.waitFor(() => expect(status()).toBe('locked'))
    expect(server.log).toEqual([])
  })

  it('is not locked where the device is not enrolled', async () => {
    const { server, pass, status } = await openPage({ isEnrolled: false })
    await pass(60 * minute)
    expect(status()).toBe('signed_in')
    expect(server.log).toEqual([])
  })

  it('stays open while it, or another tab, is refreshed', async () => {
    const { options, server, pass, status } = await openPage()
    const { nokkel: other } = createFakeClient(server, options)
    await pass(20 * minute)
    await other.auth.accessToken()
    expect(server.log).toEqual(['refreshSession'])
    await pass(20 * minute)
    expect(status()).toBe('signed_in')
    await pass(11 * minute)
    await vi.waitFor(() => expect(status()).toBe('locked'))
  })

  it.each(['visibilitychange', 'focus', 'pageshow', 'resume'])(
    'is locked at %s when its timers stood still meanwhile',
    async (event) => {
      const { clock, page, status } = await openPage()
      clock.time += 31 * minute
      expect(status()).toBe('signed_in')
      page.dispatchEvent(new Event(event))
      await vi.waitFor(() => expect(status()).toBe('locked'))
    },
  )

  it.each([true, false])('is over when the session is, locked or not (%s)', async (isEnrolled) => {
    const { clock, server, page, nokkel, options, status } = await openPage({ isEnrolled })
    clock.time += 31 * minute
    page.dispatchEvent(new Event('focus'))
    if (isEnrolled) await vi.waitFor(() => expect(status()).toBe('locked'))
    clock.time += 30 * 24 * 60 * minute
    page.dispatchEvent(new Event('focus'))
    const over = { status: 'signed_out', notice: 'session_expired', lastProvider: 'vipps' }
    await vi.waitFor(() => expect(nokkel.auth.getSnapshot()).toEqual(over))
    expect(await options.storage.get('session_v1')).toBeUndefined()
    expect(server.log).toEqual([])
  })

  it('is watched no more when it is closed, or nobody is logged in', async () => {
    const { clock, page, nokkel, options, pass, status } = await openPage()
    nokkel.close()
    clock.time += 31 * minute
    page.dispatchEvent(new Event('focus'))
    await pass(minute)
    expect(status()).toBe('signed_in')
    expect(await options.storage.get('session_v1')).toBeDefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('what is due', () => {
  it('is looked for at its time, and each half minute, also after a failure', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const clock = { time: 0 }
    const looks: number[] = []
    const next: (number | undefined)[] = [7000, 100_000]
    const watch = createWatch({
      now: () => new Date(clock.time),
      async look() {
        looks.push(clock.time)
        if (looks.length === 3) throw new Error('no')
        return next.shift()
      },
    })
    watch.start()
    for (; clock.time < 90_000; clock.time += 1000) await vi.advanceTimersByTimeAsync(1000)
    watch.stop()
    expect(looks.slice(0, 4)).toEqual([0, 6000, 36_000, 66_000])
    expect(vi.getTimerCount()).toBe(0)
  })
})
