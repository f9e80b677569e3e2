import type { DeviceKeys } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { KeyGenerator } from './key-generator.ts'

/**
 * Makes keys in a Worker, which lives only for that. Those of a device come back as `CryptoKey` objects by structured
 * clone; there are no bytes of a private key to see on either side. A managed key comes back as bytes, which are moved
 * and not copied: the Worker has none left.
 */
export const workerKeyGenerator: KeyGenerator = {
  generate: () =>
    answerOf<DeviceKeys>(() => new Worker(new URL('./key-worker.js', import.meta.url), { type: 'module' })),
  generatePrivateKey: ({ signal } = {}) =>
    answerOf<Uint8Array>(
      () => new Worker(new URL('./private-key-worker.js', import.meta.url), { type: 'module' }),
      signal,
    ),
}

function answerOf<T>(start: () => Worker, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancelled = () => reject(new NokkelError('cancelled', { cause: signal?.reason }))
    if (signal?.aborted) return cancelled()
    const fail = (cause?: unknown) => reject(new NokkelError('key_generation_failed', { cause }))
    let worker: Worker
    try {
      worker = start()
    } catch (cause) {
      return fail(cause)
    }
    signal?.addEventListener(
      'abort',
      () => {
        worker.terminate()
        cancelled()
      },
      { once: true },
    )
    worker.onmessage = ({ data }: MessageEvent<T | null>) => {
      worker.terminate()
      if (data) resolve(data)
      else fail()
    }
    worker.onerror = (event) => {
      event.preventDefault()
      worker.terminate()
      fail(event.message)
    }
  })
}
