import { createNokkel, indexedDbStorage, type SecureStorage } from '@nokkel/client'
import { directKeyGenerator } from '../../packages/client/src/keys/key-generator.ts'

// A client in a page whose storage is the browser's, timed where it writes the flag of an enrolment.

const launched: URL[] = []
const flagWrites: number[] = []
const stored = indexedDbStorage()
const storage: SecureStorage = {
  ...stored,
  async put(name, value) {
    const started = performance.now()
    await stored.put(name, value)
    if (name.startsWith('biometric_enrolled_')) flagWrites.push(performance.now() - started)
  },
}
const nokkel = createNokkel({
  organization: 'fjordhjelpen',
  storage,
  keyGenerator: directKeyGenerator,
  deviceName: 'Bench, Chromium',
  urlLauncher: { launch: (to) => void launched.push(to) },
})

const requests = () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/nokkel/')).length
const me = () => nokkel.auth.getSnapshot().me?.id ?? ''

const bench = {
  async begin(): Promise<string> {
    await nokkel.auth.signIn('bankid', { consent: { personnummer: true } })
    return launched.at(-1)?.href ?? ''
  },
  async complete(callback: string): Promise<void> {
    await nokkel.auth.completeSignIn(new URL(callback))
    await nokkel.keys.settled()
    await nokkel.userKeys.settled()
  },
  /** Each read from a cache that is there. */
  async cachedReads(count: number): Promise<{ milliseconds: number[]; requests: number }> {
    await nokkel.identity.getIdentityByUserId(me())
    const before = requests()
    const milliseconds: number[] = []
    for (let read = 0; read < count; read++) {
      const started = performance.now()
      if (!(await nokkel.identity.getIdentityByUserId(me()))) throw new Error('There is no identity.')
      milliseconds.push(performance.now() - started)
    }
    return { milliseconds, requests: requests() - before }
  },
  /** As cachedReads, of the storage alone. */
  async storageReads(count: number): Promise<number[]> {
    const [name = ''] = await stored.list('identity_v1.')
    const milliseconds: number[] = []
    for (let read = 0; read < count; read++) {
      const started = performance.now()
      if ((await stored.get(name)) === undefined) throw new Error('Nothing is cached.')
      milliseconds.push(performance.now() - started)
    }
    return milliseconds
  },
  async enrollments(count: number): Promise<{ flags: number[]; whole: number[] }> {
    const whole: number[] = []
    for (let time = 0; time < count; time++) {
      const started = performance.now()
      const { status, error } = await nokkel.biometrics.enrollBiometrics(me())
      whole.push(performance.now() - started)
      if (status !== 'enrolled') throw new Error(`It is ${status}: ${error}.`)
      await nokkel.biometrics.removeBiometrics()
    }
    return { flags: [...flagWrites], whole }
  },
}
export type IdentityBench = typeof bench

Object.assign(globalThis, { bench })
