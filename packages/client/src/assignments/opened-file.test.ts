import { encryptStream, generateContentKey } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import type { Call } from '../http/api.ts'
import { fileContext } from './file-context.ts'
import { createOpenedFile } from './opened-file.ts'

describe('an opened file', () => {
  it('is not another one, even if that was encrypted under the same key', async () => {
    const key = generateContentKey()
    const encrypt = async (text: string) => {
      let digests = new Uint8Array()
      const onDigest = (digest: Uint8Array) => {
        digests = digest.slice()
      }
      const stream = encryptStream({ key, context: fileContext('blob', 'ingrid'), onDigest })
      const sealed = await new Response(new Blob([text]).stream().pipeThrough(stream)).bytes()
      return { sealed, digests }
    }
    const signed = await encrypt('At ten.')
    const replaced = await encrypt('At two.')
    const file = { blobId: 'blob', name: 'x', type: '', byteLength: 7, key, digests: signed.digests }
    const serving = (bytes: Uint8Array) =>
      createOpenedFile((async () => bytes) as unknown as Call, fileContext('blob', 'ingrid'), file)
    expect(await (await serving(signed.sealed).blob()).text()).toBe('At ten.')
    await expect(serving(replaced.sealed).blob()).rejects.toMatchObject({ code: 'file_damaged' })
  })
})
