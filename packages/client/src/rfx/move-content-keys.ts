import { CryptoError, decodeBase64Url, encodeBase64Url, rewrapContentKey } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { GroupKey, OpenedRfx } from './opened-rfx.ts'
import type { WorkOptions } from './rfx-service.ts'

interface MoveWork {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: WorkOptions['onProgress'] | undefined
  readonly call: Call
  readonly rfxId: string
  /** The present key, which they are put under. */
  readonly to: GroupKey
  readonly keyOf: OpenedRfx['keyOf']
}

const pageLength = 1000
/** Symmetric, and still too many to hand to the browser at once. */
const concurrency = 50

/**
 * Puts content keys that an earlier version wraps under the present one, so that an old key and a stolen database are not
 * enough. One that does not open stays where it is: whoever reads it sees that.
 *
 * @returns How many moved.
 * @throws {NokkelError} `version_stale`: there is a newer one by now. `cancelled`.
 */
export async function moveContentKeys({ call, rfxId, to, keyOf, signal, onProgress }: MoveWork): Promise<number> {
  let after = 0
  let moved = 0
  for (;;) {
    const query = { after, limit: pageLength }
    const { keys: stale } = await call('listStaleContentKeys', { params: { id: rfxId }, query }, { signal })
    const last = stale.at(-1)
    if (!last) return moved
    onProgress?.({ done: moved, total: moved + stale.length })
    const keys = []
    for (let start = 0; start < stale.length; start += concurrency) {
      if (signal?.aborted) throw new NokkelError('cancelled', { cause: signal.reason })
      keys.push(...(await Promise.all(stale.slice(start, start + concurrency).map(move))).flat())
    }
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
    const from = { key: await keyOf(version), version }
    try {
      const wrappedKey = decodeBase64Url(old)
      return [
        { sequence, old, new: encodeBase64Url(await rewrapContentKey({ rfxId, sequence, wrappedKey, from, to })) },
      ]
    } catch (error) {
      if (error instanceof CryptoError || error instanceof TypeError || error instanceof RangeError) return []
      throw error
    }
  }
}
