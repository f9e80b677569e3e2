import { createMutex } from '../lock/lock.ts'
import { createNokkel, type NodeNokkelOptions } from '../node/index.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { FakeServer } from './fake-server.ts'
import { fixedKeyGenerator } from './fixed-key-generator.ts'

/** What the person has agreed to, for those who only want to be logged in. */
export const consented = { consent: { personnummer: true } } as const

/** A client on a device of its own, and a person at it who logs in without ado. */
export function createFakeClient(server: FakeServer, options: Partial<NodeNokkelOptions> = {}) {
  const launched: URL[] = []
  const storage = options.storage ?? memoryStorage()
  const nokkel = createNokkel({
    url: server.origin,
    organization: 'likeperson',
    fetch: server.fetch,
    storage,
    keyGenerator: fixedKeyGenerator,
    lock: createMutex(),
    deviceName: 'Test',
    urlLauncher: { launch: (url) => void launched.push(url) },
    ...options,
  })
  const callback = (provider = 'vipps') => {
    const state = launched.at(-1)?.searchParams.get('state') ?? ''
    return new URL(`${server.appUrl}/callback/${provider}/likeperson?code=c&state=${state}`)
  }
  return {
    nokkel,
    storage,
    launched,
    callback,
    async logIn(person = server.member) {
      server.logInAs(person)
      await nokkel.auth.signIn('vipps', consented)
      const result = await nokkel.auth.completeSignIn(callback())
      await nokkel.keys.settled()
      await nokkel.userKeys.settled()
      await nokkel.rfx.settled()
      return result
    },
  }
}
