import type { DeviceKeys } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { KeyGenerator } from './key-generator.ts'

/**
 * Makes keys in a Worker, which lives only for that. They come back as `CryptoKey` objects by structured clone; there
 * are no bytes of a private key to see on either side.
 */
export const workerKeyGenerator: KeyGenerator = {
  generate: () =>
    new Promise<DeviceKeys>((resolve, reject) => {
      const worker = new Worker(new URL('./key-worker.js', import.meta.url), { type: 'module' })
      const fail = (cause?: unknown) => reject(new NokkelError('key_generation_failed', { cause }))
      worker.onmessage = ({ data }: MessageEvent<DeviceKeys | null>) => {
        worker.terminate()
        if (data) resolve(data)
        else fail()
      }
      worker.onerror = (event) => {
        event.preventDefault()
        worker.terminate()
        fail(event.message)
      }
    }),
}
