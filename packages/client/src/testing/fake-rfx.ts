import type { Rfx, RfxEntry } from '@nokkel/contract'
import {
  calculateThumbprint,
  encodeBase64Url,
  encodeRfxTitle,
  exportPublicJwk,
  generateDeviceKeys,
  generateRfxKey,
  type RfxKey,
  sealRfxEntry,
  verifyJws,
} from '@nokkel/crypto'
import { NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { Endpoint } from '../http/endpoints.ts'
import { createMutex } from '../lock/lock.ts'
import type { OpenedRfx, SeenHead } from '../rfx/opened-rfx.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createFakeBlobs } from './fake-blobs.ts'

// biome-ignore lint/suspicious/noExplicitAny: each handler knows what it is given
type Input = any
/** Meets one call before the server does. What it gives is the answer; `undefined`: the server answers after all. */
type Intercept = (input: Input, answer: () => Promise<unknown>) => unknown

/**
 * As much of a project as it takes to provoke faults a real server does not have: a log, files, a key with versions. It
 * keeps no promises of its own and proves nothing about the server.
 */
export function createFakeRfx() {
  const id = crypto.randomUUID()
  const organizationId = crypto.randomUUID()
  const keys: RfxKey[] = [generateRfxKey()]
  const entries: RfxEntry[] = []
  const intercepts: [Endpoint, Intercept][] = []
  const log: Endpoint[] = []
  const signers = new Map<string, string>()
  const refusal = (code: NokkelErrorCode, data?: Record<string, unknown>) =>
    new NokkelError(code, data === undefined ? {} : { data })
  const { handlers: blobHandlers, blobs } = createFakeBlobs({ notFound: () => refusal('not_found') })

  const handlersOf = (userId: string): { [E in Endpoint]?: (input: Input) => unknown } => ({
    ...blobHandlers,
    listRfxEntries({ query: { before = Number.POSITIVE_INFINITY, limit } }) {
      return {
        entries: entries
          .filter(({ sequence }) => sequence < before)
          .toReversed()
          .slice(0, limit),
      }
    },
    getRfxEntry({ params }) {
      const entry = entries[params.sequence - 1]
      if (!entry) throw refusal('not_found')
      return entry
    },
    async addRfxEntry({ body: { blobs: files, ...body } }) {
      const { payload } = await verifyJws(body.statement, 'nokkel-rfx-entry+jwt')
      const { kind, object, revision } = payload as Pick<RfxEntry, 'kind' | 'revision'> & { object: string }
      const same = entries[body.sequence - 1]
      if (same?.statement === body.statement) return same
      if (body.version !== keys.length) throw refusal('version_stale', { version: keys.length })
      if (same || body.sequence !== entries.length + 1) throw refusal('sequence_stale')
      for (const blobId of files) {
        const blob = blobs.get(blobId)
        if (blob?.chunks.size !== blob?.chunkCount) throw refusal('blob_incomplete', { blobIds: [blobId] })
      }
      const author = { id: userId, name: 'Kari Nordmann', role: 'buyer' as const }
      const createdAt = new Date().toISOString()
      entries.push({ ...body, kind, objectId: object, revision, author, createdAt, replaced: null })
      return entries.at(-1)
    },
  })

  return {
    id,
    entries,
    blobs,
    /** Every operation asked for, in order. */
    log,
    refusal,
    /** Makes the next version of the key. */
    rekey: () => keys.push(generateRfxKey()),
    /** Writes the title a project is created with. */
    async writeTitle(opened: OpenedRfx, title = 'Ny skole') {
      const { key, version } = await opened.key()
      const { wrappedKey, content, statement } = await sealRfxEntry({
        organizationId: opened.organizationId,
        rfxId: id,
        sequence: 1,
        kind: 'title',
        object: id,
        revision: 1,
        previous: null,
        current: { title: 1, specification: 0 },
        plaintext: encodeRfxTitle(title),
        key,
        version,
        author: await opened.author(),
      })
      if (!wrappedKey || !content) throw new Error('unreachable')
      const sealed = { wrappedKey: encodeBase64Url(wrappedKey), content: encodeBase64Url(content), statement }
      await opened.call('addRfxEntry', { params: { id }, body: { sequence: 1, version, ...sealed, blobs: [] } })
    },
    /** Makes the directory forget a device. */
    async distrust({ signing }: { readonly signing: CryptoKeyPair }) {
      signers.delete(await calculateThumbprint(await exportPublicJwk(signing.publicKey)))
    },
    /** Meets the next call of an operation. */
    intercept: (endpoint: Endpoint, intercept: Intercept) => void intercepts.push([endpoint, intercept]),
    /** The project as somebody has opened it on a device of theirs. */
    async open(device: Awaited<ReturnType<typeof createDevice>>): Promise<OpenedRfx> {
      const { userId, deviceId, signing, storage, lock } = device
      signers.set(await calculateThumbprint(await exportPublicJwk(signing.publicKey)), userId)
      const handlers = handlersOf(userId)
      const call = (async (endpoint: Endpoint, input: Input, { signal }: { signal?: AbortSignal } = {}) => {
        log.push(endpoint)
        if (signal?.aborted) throw refusal('cancelled')
        const index = intercepts.findIndex(([name]) => name === endpoint)
        const [, intercept] = index < 0 ? [] : (intercepts.splice(index, 1)[0] as [Endpoint, Intercept])
        const answer = async () => handlers[endpoint]?.(input)
        return structuredClone((await intercept?.(input, answer)) ?? (await answer()))
      }) as unknown as Call
      let version = keys.length
      const fetched = () => {
        const {
          kind: _,
          objectId: __,
          revision: ___,
          author: ____,
          createdAt: _____,
          replaced: ______,
          ...title
        } = entries[0] as RfxEntry
        return { id, version, title, groups: [] } as unknown as Rfx
      }
      const keyOf = async (of: number) => {
        const key = keys[of - 1]
        if (!key || of > version) throw new RangeError('of must be a version that was fetched')
        return key
      }
      return {
        id,
        organizationId,
        call,
        storage,
        lock,
        now: device.now,
        author: async () => ({ userId, deviceId, signing }),
        fetched,
        async refresh() {
          version = keys.length
          return fetched()
        },
        key: async () => ({ groupId: id, version, key: await keyOf(version) }),
        keyOf,
        keptKeyOf: async () => undefined,
        bidderGroup: () => Promise.reject(refusal('forbidden')),
        sealTo: () => Promise.reject(refusal('openers_missing')),
        openingKeyPair: () => Promise.reject(refusal('not_found')),
        opening: () => undefined,
        async requireSigner(...all) {
          const isKnown = all.every(({ thumbprint, userId: signer }) => signers.get(thumbprint) === signer)
          if (!isKnown) throw refusal('signature_untrusted')
        },
        seenHead: async () => seenOn(device, id),
        async rememberHead(next) {
          const seen = await seenOn(device, id)
          const isOlder =
            seen && (next.sequence < seen.sequence || (next.sequence === seen.sequence && next.digest !== seen.digest))
          if (isOlder) throw refusal('rfx_rolled_back')
          await storage.put(`head.${id}`, next)
        },
      }
    },
  }
}

export type FakeRfx = ReturnType<typeof createFakeRfx>

async function seenOn({ storage }: { storage: ReturnType<typeof memoryStorage> }, id: string) {
  return (await storage.get(`head.${id}`)) as SeenHead | undefined
}

/** Somebody's device; its storage outlives the tab. */
export async function createDevice() {
  const { signing } = await generateDeviceKeys()
  const storage = memoryStorage()
  const clock = { aheadMilliseconds: 0 }
  const now = () => new Date(Date.now() + clock.aheadMilliseconds)
  return {
    userId: crypto.randomUUID(),
    deviceId: crypto.randomUUID(),
    signing,
    storage,
    lock: createMutex(),
    clock,
    now,
  }
}
