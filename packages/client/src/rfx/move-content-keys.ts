import { CryptoError, decodeBase64Url, encodeBase64Url, type RfxKey, rewrapContentKey } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { GroupKey, OpenedRfx } from './opened-rfx.ts'
import type { WorkOptions } from './rfx.ts'

interface MoveWork {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: WorkOptions['onProgress'] | undefined
  readonly call: Call
  readonly rfxId: string
  /** The present key, which they are put under. */
  readonly to: GroupKey
  readonly keyOf: OpenedRfx['keyOf']
  readonly keptKeyOf: OpenedRfx['keptKeyOf']
}

export interface MovedContentKeys {
  readonly moved: number
  /** How many stay because they do not open. */
  readonly stuck: number
}

const pageLength = 1000
/** Symmetric, and still too many to hand to the browser at once. */
const concurrency = 50

/**
 * Puts content keys that an earlier version wraps under the present one, so that an old key and a stolen database are not
 * enough. One that does not open stays where it is: whoever reads it sees that.
 *
 * @throws {NokkelError} `version_stale`: there is a newer one by now. `cancelled`.
 */
export async function moveContentKeys(work: MoveWork): Promise<MovedContentKeys> {
  const { call, rfxId, to, keyOf, keptKeyOf, signal, onProgress } = work
  let after = 0
  let moved = 0
  let stuck = 0
  for (;;) {
    const query = { after, limit: pageLength }
    const { keys: stale } = await call('listStaleContentKeys', { params: { id: rfxId }, query }, { signal })
    const last = stale.at(-1)
    if (!last) return { moved, stuck }
    onProgress?.({ done: moved, total: moved + stale.length })
    const keys = []
    for (let start = 0; start < stale.length; start += concurrency) {
      if (signal?.aborted) throw new NokkelError('cancelled', { cause: signal.reason })
      keys.push(...(await Promise.all(stale.slice(start, start + concurrency).map(move))).flat())
    }
    stuck += stale.length - keys.length
    if (keys.length > 0) {
      const body = { version: to.version, keys }
      moved += (await call('moveContentKeys', { params: { id: rfxId }, body }, { signal })).moved
    }
    onProgress?.({ done: moved, total: moved })
    after = last.sequence
  }

  async function move({
    sequence,
    version,
    wrappedKey: old,
  }: {
    sequence: number
    version: number
    wrappedKey: string
  }) {
    const wrapUnder = async (find: (version: number) => Promise<RfxKey | undefined>) => {
      try {
        const key = await find(version)
        if (!key) return []
        const wrappedKey = decodeBase64Url(old)
        const moved = await rewrapContentKey({ rfxId, sequence, wrappedKey, from: { key, version }, to })
        return [{ sequence, old, new: encodeBase64Url(moved) }]
      } catch (error) {
        const isForged = error instanceof CryptoError || error instanceof TypeError || error instanceof RangeError
        if (isForged || codeOf(error) === 'rfx_tampered') return []
        throw error
      }
    }
    const byChain = await wrapUnder(keyOf)
    return byChain.length > 0 ? byChain : wrapUnder(keptKeyOf)
  }
}
