import { createNokkel } from '@nokkel/client'
import type { RfxRecipient } from '@nokkel/contract'
import { decodeBase64, generateRfxKey, importPublicKey } from '@nokkel/crypto'
import { directKeyGenerator } from '../../packages/client/src/keys/key-generator.ts'
import { workerKeyWrapper } from '../../packages/client/src/rfx/worker-key-wrapper.ts'

// What `rfx-client.ts` does in Node, in a page; its storage, locks and Workers are the browser's.

const rawMilliseconds = 2000
const launched: URL[] = []
const nokkel = createNokkel({
  organization: 'fjordhjelpen',
  keyGenerator: directKeyGenerator,
  deviceName: 'Bench, Chromium',
  urlLauncher: { launch: (to) => void launched.push(to) },
})

performance.setResourceTimingBufferSize(100_000)
/** Requests for recipients that were made here and not by the client. */
const missingRequests = new Map<string, number>()

type Reachable = RfxRecipient & { readonly key: NonNullable<RfxRecipient['key']> }

/** Without the client, which hands the key over as soon as it has opened a project. */
async function missingOf(rfxId: string): Promise<Reachable[]> {
  const missing: Reachable[] = []
  const authorization = `Bearer ${await nokkel.auth.accessToken()}`
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ only: 'missing', ...(cursor && { cursor }) })
    const response = await fetch(`/nokkel/rfx/groups/${rfxId}/recipients?${query}`, { headers: { authorization } })
    missingRequests.set(rfxId, (missingRequests.get(rfxId) ?? 0) + 1)
    const page = (await response.json()) as { recipients: RfxRecipient[]; nextCursor?: string }
    missing.push(...page.recipients.filter((recipient): recipient is Reachable => recipient.key !== null))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return missing
}

const bench = {
  async begin(): Promise<string> {
    await nokkel.auth.signIn('vipps', { consent: { personnummer: true } })
    return launched.at(-1)?.href ?? ''
  },
  async complete(callback: string): Promise<void> {
    await nokkel.auth.completeSignIn(new URL(callback))
    await nokkel.keys.settled()
    await nokkel.userKeys.settled()
    await nokkel.userKeys.privateKey()
  },
  async raw(rfxId: string): Promise<{ perSecond: number; distinct: number }> {
    const distinct = [...new Set((await missingOf(rfxId)).map(({ key }) => key.publicKey))]
    const keys = await Promise.all(distinct.map(async (key) => (await importPublicKey(decodeBase64(key))).key))
    const workers = Array.from({ length: navigator.hardwareConcurrency }, () => {
      return new Worker(new URL('./rfx-raw-worker.js', import.meta.url), { type: 'module' })
    })
    const rates = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<number>((resolve) => {
            worker.addEventListener('message', ({ data }) => resolve(data))
            worker.postMessage({ keys, milliseconds: rawMilliseconds })
          }),
      ),
    )
    for (const worker of workers) worker.terminate()
    return { perSecond: rates.reduce((sum, rate) => sum + rate, 0), distinct: distinct.length }
  },
  async wrap(rfxId: string): Promise<{ milliseconds: number; count: number }> {
    const recipients = (await missingOf(rfxId)).map(({ key, ...recipient }) => ({ ...recipient, ...key }))
    const started = performance.now()
    const session = workerKeyWrapper.open({ key: generateRfxKey(), groupId: rfxId, version: 1 })
    const wraps = await session.wrap(recipients)
    const milliseconds = performance.now() - started
    session.close()
    if (wraps.some((wrap) => wrap === null)) throw new Error('A wrap failed.')
    return { milliseconds, count: wraps.length }
  },
  async distribute(rfxId: string): Promise<{ milliseconds: number; count: number }> {
    const project = nokkel.rfx.get(rfxId)
    await project.open()
    await project.distribute()
    const recipients = await project.recipients()
    if (recipients.some(({ state }) => state === 'missing')) throw new Error('Somebody did not get the key.')
    const of = (what: string) =>
      performance
        .getEntriesByType('resource')
        .filter(
          ({ name }) => new URL(name).pathname === `/nokkel/rfx/groups/${rfxId}/${what}`,
        ) as PerformanceResourceTiming[]
    const from = Math.min(
      ...of('recipients')
        .slice(missingRequests.get(rfxId))
        .map(({ startTime }) => startTime),
    )
    const milliseconds = Math.max(...of('wraps').map(({ responseEnd }) => responseEnd)) - from
    return { milliseconds, count: recipients.filter(({ state }) => state === 'wrapped').length - 1 }
  },
}
export type RfxBench = typeof bench

Object.assign(globalThis, { bench })
