import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/file-stream.json' with { type: 'json' }
import { type Bytes, concatBytes, sha256 } from './bytes.ts'
import { type ContentKey, generateContentKey } from './content-key.ts'
import { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from './file-layout.ts'
import { decryptStream, encryptStream, generateStreamSalt } from './file-stream.ts'
import { derivePayloadKey, encryptChunk } from './hazmat/file-stream.ts'
import { flipEachByte, fromHex, patternOf, toHex } from './testing/bytes.ts'
import { collect, drain, piecesOf, streamOf } from './testing/streams.ts'

const context = { purpose: 'file', table: 'blob_chunk', column: 'bytes', row: 'blob_1', owner: 'usr_1' }
const openFailed = { name: 'CryptoError', code: 'open_failed' }
const chunk = FILE_CHUNK_BYTE_LENGTH

async function encryptFile(file: Uint8Array, key: ContentKey, pieceByteLength = 65_536, resumeSalt?: Uint8Array) {
  const digests: Uint8Array[] = []
  const onDigest = (digest: Uint8Array) => digests.push(digest)
  const source = streamOf(piecesOf(file, pieceByteLength))
  const { chunks, error } = await drain(
    source.pipeThrough(encryptStream({ key, context, onDigest, ...(resumeSalt && { resumeSalt }) })),
  )
  expect(error).toBeUndefined()
  return { stored: chunks, digests: concatBytes(...digests) }
}

function decrypted(stored: readonly Uint8Array[], key: ContentKey, digests?: Uint8Array) {
  return streamOf(stored).pipeThrough(decryptStream({ key, context, ...(digests && { digests }) }))
}

/** Whatever came out before the fault must be the beginning of the file, and at most `allowed` bytes of it. */
async function expectFault(stream: ReadableStream<Uint8Array>, file: Uint8Array, allowed: number) {
  const { chunks, error } = await drain(stream)
  expect(error).toMatchObject(openFailed)
  const released = concatBytes(...chunks)
  expect(released.byteLength).toBeLessThanOrEqual(allowed)
  expect(toHex(await sha256(released))).toBe(toHex(await sha256(file.slice(0, released.byteLength))))
}

describe('pinned file streams', () => {
  it.each(vectors.valid)('$name', async (vector) => {
    const { key, salt, context, byteLength, digests } = vector
    const file = patternOf(byteLength)
    const stored = await restore(fromHex(key), fromHex(salt), context, file, vector.digests)
    if ('stored' in vector) expect(toHex(concatBytes(...stored))).toBe(vector.stored)
    const options = { key: fromHex(key) as ContentKey, context, digests: fromHex(digests) }
    const opened = await collect(streamOf(stored).pipeThrough(decryptStream(options)))
    expect(toHex(await sha256(opened))).toBe(toHex(await sha256(file)))
  })

  async function restore(key: Bytes, salt: Bytes, where: typeof context, file: Bytes, digests: string) {
    const stored: Bytes[] = []
    const header = fromHex(vectors.valid[0]?.stored ?? '').slice(0, 20)
    const payloadKey = await derivePayloadKey(key, salt, header, where)
    const count = chunkCount(file.byteLength)
    for (let index = 0; index < count; index++) {
      const plaintext = file.slice(index * chunk, (index + 1) * chunk)
      const sealed = await encryptChunk(payloadKey, plaintext, index, index === count - 1)
      stored.push(index === 0 ? concatBytes(header, salt, sealed) : sealed)
    }
    expect(toHex(concatBytes(...(await Promise.all(stored.map(sha256)))))).toBe(digests)
    return stored
  }

  it.each(vectors.invalid)('refused: $name', async ({ key, context, stored }) => {
    const stream = streamOf([fromHex(stored)]).pipeThrough(decryptStream({ key: fromHex(key) as ContentKey, context }))
    const { chunks, error } = await drain(stream)
    expect(error).toMatchObject(openFailed)
    expect(chunks).toEqual([])
  })
})

describe('file stream', () => {
  it.each([0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7])('carries %i bytes', async (byteLength) => {
    const key = generateContentKey()
    const file = patternOf(byteLength)
    const { stored, digests } = await encryptFile(file, key)
    expect(stored.length).toBe(chunkCount(byteLength))
    expect(stored.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(sealedByteLength(byteLength))
    for (const one of stored) expect(one.byteLength).toBeLessThanOrEqual(1_048_576)
    expect(toHex(digests)).toBe(toHex(concatBytes(...(await Promise.all(stored.map((one) => sha256(one as Bytes)))))))
    const opened = await collect(decrypted(stored, key, digests))
    expect(toHex(await sha256(opened))).toBe(toHex(await sha256(file)))
  })

  it('does not mind how its input is cut', async () => {
    const key = generateContentKey()
    const file = patternOf(2 * chunk + 100)
    const cuts = fc.integer({ min: 1000, max: 3 * chunk })
    await fc.assert(
      fc.asyncProperty(cuts, cuts, async (plainCut, storedCut) => {
        const { stored, digests } = await encryptFile(file, key, plainCut)
        expect(stored.length).toBe(3)
        const opened = await collect(decrypted(piecesOf(concatBytes(...stored), storedCut), key, digests))
        expect(toHex(await sha256(opened))).toBe(toHex(await sha256(file)))
      }),
      { numRuns: 6 },
    )
  })

  it('takes single bytes and empty pieces', async () => {
    const key = generateContentKey()
    const { stored } = await encryptFile(patternOf(50), key, 1)
    const pieces = [new Uint8Array(), ...piecesOf(concatBytes(...stored), 1), new Uint8Array()]
    expect(await collect(decrypted(pieces, key))).toEqual(patternOf(50))
  })

  it('encrypts the same file differently each time', async () => {
    const key = generateContentKey()
    const [a, b] = [await encryptFile(patternOf(10), key), await encryptFile(patternOf(10), key)]
    expect(toHex(concatBytes(...a.stored))).not.toBe(toHex(concatBytes(...b.stored)))
  })

  it('fails on any flipped bit and releases nothing', async () => {
    const key = generateContentKey()
    const { stored, digests } = await encryptFile(patternOf(20), key)
    for (const flipped of flipEachByte(concatBytes(...stored))) {
      for (const known of [undefined, digests]) await expectFault(decrypted([flipped], key, known), patternOf(20), 0)
    }
  })
})

describe('an upload made again', () => {
  const file = patternOf(2 * chunk + 100)

  it('gives the same stored chunks, however the file arrives', async () => {
    const [key, salt] = [generateContentKey(), generateStreamSalt()]
    const first = await encryptFile(file, key, 65_536, salt)
    const again = await encryptFile(file, key, 1_000_003, salt)
    expect(toHex(again.digests)).toBe(toHex(first.digests))
    expect(first.stored[0]?.slice(20, 36)).toEqual(salt)
    const rest = again.stored.slice(1)
    const opened = await collect(decrypted([...first.stored.slice(0, 1), ...rest], key, first.digests))
    expect(toHex(await sha256(opened))).toBe(toHex(await sha256(file)))
  })

  it('shows by the digest which chunk is of another file', async () => {
    const [key, salt] = [generateContentKey(), generateStreamSalt()]
    const changed = file.with(chunk + 7, 1) as Bytes
    const [one, other] = [await encryptFile(file, key, 65_536, salt), await encryptFile(changed, key, 65_536, salt)]
    const same = [0, 1, 2].map((index) => {
      const [a, b] = [one, other].map(({ digests }) => toHex(digests.slice(index * 32, (index + 1) * 32)))
      return a === b
    })
    expect(same).toEqual([true, false, true])
  })

  it('has other chunks under another salt or key', async () => {
    const [key, salt] = [generateContentKey(), generateStreamSalt()]
    const made = await Promise.all([
      encryptFile(patternOf(10), key, 10, salt),
      encryptFile(patternOf(10), key, 10, generateStreamSalt()),
      encryptFile(patternOf(10), generateContentKey(), 10, salt),
    ])
    expect(new Set(made.map(({ digests }) => toHex(digests))).size).toBe(3)
  })

  it('takes a salt of 16 bytes, and keeps its own copy', async () => {
    expect(generateStreamSalt().byteLength).toBe(16)
    expect(toHex(generateStreamSalt())).not.toBe(toHex(generateStreamSalt()))
    const key = generateContentKey()
    for (const length of [0, 12, 15, 17, 32]) {
      expect(() => encryptStream({ key, context, resumeSalt: new Uint8Array(length) })).toThrow(RangeError)
    }
    expect(() => encryptStream({ key, context, resumeSalt: 'salt' as never })).toThrow(TypeError)
    const salt = generateStreamSalt()
    const copy = salt.slice()
    const encrypting = encryptStream({ key, context, resumeSalt: salt })
    salt.fill(0)
    const stored = await collect(streamOf([patternOf(10)]).pipeThrough(encrypting))
    expect(stored.slice(20, 36)).toEqual(copy)
  })
})

describe('a file that is not as it was stored', async () => {
  const key = generateContentKey()
  const file = patternOf(3 * chunk + 100)
  const { stored, digests } = await encryptFile(file, key)
  const [first, second, third, last] = stored as [Bytes, Bytes, Bytes, Bytes]
  const other = await encryptFile(patternOf(3 * chunk + 100), key)
  const foreign = other.stored[1] as Bytes
  const altered = (bytes: Bytes) => bytes.with(700, (bytes[700] ?? 0) ^ 4) as Bytes

  it.each<[string, Uint8Array[], number]>([
    ['nothing at all', [], 0],
    ['the last chunk missing', [first, second, third], 2 * chunk],
    ['the last two chunks missing', [first, second], chunk],
    ['only the first chunk', [first], 0],
    ['a chunk missing in the middle', [first, third, last], chunk],
    ['the first chunk missing', [second, third, last], 0],
    ['two chunks exchanged', [first, third, second, last], chunk],
    ['a chunk twice', [first, second, second, third, last], 2 * chunk],
    ['the last chunk twice', [first, second, third, last, last], 3 * chunk],
    ['the last chunk first', [last, first, second, third], 0],
    ['a chunk of another file under the same key', [first, foreign, third, last], chunk],
    ['a chunk of another file at the end', [first, second, third, other.stored[3] as Bytes], 3 * chunk],
    ['the last chunk cut short', [first, second, third, last.subarray(0, -1)], 3 * chunk],
    ['the last chunk cut to less than a tag', [first, second, third, last.subarray(0, 15)], 3 * chunk],
    ['the last chunk cut to a tag', [first, second, third, last.subarray(0, 16)], 3 * chunk],
    ['a byte after the end', [...stored, new Uint8Array(1)], 3 * chunk],
    ['a chunk cut short in the middle', [first, second.subarray(0, -1), third, last], chunk],
    ['the first chunk altered', [altered(first), second, third, last], 0],
    ['the second chunk altered', [first, altered(second), third, last], chunk],
    ['the third chunk altered', [first, second, altered(third), last], 2 * chunk],
    ['the last chunk altered', [first, second, third, last.with(7, (last[7] ?? 0) ^ 1) as Bytes], 3 * chunk],
    ['two files one after the other', [...stored, ...other.stored], 3 * chunk],
  ])('fails with %s', async (_, bad, allowed) => {
    await expectFault(decrypted(bad, key), file, allowed)
    await expectFault(decrypted(bad, key, digests), file, allowed)
    await expectFault(decrypted(piecesOf(concatBytes(...bad), 100_000), key), file, allowed)
  })

  it('fails when a holder of the key has put another file in its place', async () => {
    await expectFault(decrypted(other.stored, key, digests), file, 0)
    const shorter = await encryptFile(patternOf(10), key)
    await expectFault(decrypted(shorter.stored, key, digests), file, 0)
  })

  it('fails when the digests are of fewer or more chunks', async () => {
    await expectFault(decrypted(stored, key, digests.slice(0, 96)), file, 2 * chunk)
    await expectFault(decrypted(stored, key, concatBytes(digests, new Uint8Array(32))), file, 3 * chunk)
  })

  it('fails with another key and at another place', async () => {
    await expectFault(decrypted(stored, generateContentKey()), file, 0)
    const elsewhere = decryptStream({ key, context: { ...context, row: 'blob_2' }, digests })
    await expectFault(streamOf(stored).pipeThrough(elsewhere), file, 0)
  })

  it('refuses an empty last chunk after others, though its tag is right', async () => {
    const [header, salt] = [first.slice(0, 20), first.slice(20, 36)]
    const payloadKey = await derivePayloadKey(key, salt, header, context)
    const whole = await encryptChunk(payloadKey, file.slice(0, chunk), 0, false)
    const empty = await encryptChunk(payloadKey, new Uint8Array(), 1, true)
    await expectFault(decrypted([concatBytes(header, salt, whole), empty], key), file, chunk)
  })
})

describe('flow of a file stream', () => {
  it('takes no more than it is asked for', async () => {
    let pulled = 0
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(chunk))
        },
      },
      { highWaterMark: 0 },
    )
    const reader = source.pipeThrough(encryptStream({ key: generateContentKey(), context })).getReader()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(pulled).toBeLessThanOrEqual(8)
    await reader.cancel()
  })

  it('does not turn one huge input into many outputs at once', async () => {
    const key = generateContentKey()
    let digested = 0
    const encrypting = encryptStream({ key, context, onDigest: () => digested++ })
    const reader = streamOf([new Uint8Array(40 * chunk)])
      .pipeThrough(encrypting)
      .getReader()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(digested).toBe(1)
    await reader.cancel()
  })

  it.each([
    ['encryptStream', encryptStream],
    ['decryptStream', decryptStream],
  ])('%s ends its source when cancelled', async (_, make) => {
    let cancelled: unknown
    let digested = 0
    const source = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason
      },
    })
    const options = { key: generateContentKey(), context, onDigest: () => digested++ }
    const reader = source.pipeThrough(make(options)).getReader()
    const waiting = reader.read()
    await reader.cancel('enough')
    expect(await waiting).toMatchObject({ done: true })
    await expect.poll(() => cancelled).toBe('enough')
    expect(digested).toBe(0)
  })

  it('ends its source at a fault', async () => {
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(chunk))
      },
      cancel(reason) {
        cancelled = reason
      },
    })
    const { error } = await drain(source.pipeThrough(decryptStream({ key: generateContentKey(), context })))
    expect(error).toMatchObject(openFailed)
    await expect.poll(() => cancelled).toMatchObject(openFailed)
  })

  it('passes on the failure of its source', async () => {
    const failure = new Error('connection lost')
    for (const transform of [encryptStream, decryptStream]) {
      let sent = 0
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent++ < 3) controller.enqueue(new Uint8Array(10))
          else controller.error(failure)
        },
      })
      const { chunks, error } = await drain(source.pipeThrough(transform({ key: generateContentKey(), context })))
      expect(error).toBe(failure)
      expect(chunks).toEqual([])
    }
  })

  it('passes on the failure of the digest callback', async () => {
    const failure = new Error('no room')
    const onDigest = () => {
      throw failure
    }
    const stream = streamOf([patternOf(10)]).pipeThrough(
      encryptStream({ key: generateContentKey(), context, onDigest }),
    )
    expect((await drain(stream)).error).toBe(failure)
  })

  it('fails on input that is not bytes', async () => {
    const source = new ReadableStream({
      start(controller) {
        controller.enqueue('text')
        controller.close()
      },
    })
    const { error } = await drain(source.pipeThrough(encryptStream({ key: generateContentKey(), context })))
    expect(error).toBeInstanceOf(TypeError)
  })

  it('refuses options that are not what they should be', () => {
    const key = generateContentKey()
    for (const make of [encryptStream, decryptStream]) {
      expect(() => make({ key: new Uint8Array(16) as ContentKey, context })).toThrow(RangeError)
      expect(() => make({ key: 'key' as never, context })).toThrow(TypeError)
      expect(() => make({ key, context: { ...context, row: '' } })).toThrow('context.row')
    }
    for (const byteLength of [0, 31, 33]) {
      expect(() => decryptStream({ key, context, digests: new Uint8Array(byteLength) })).toThrow(RangeError)
    }
  })

  it('keeps its own copy of the key', async () => {
    const key = generateContentKey()
    const copy = key.slice() as ContentKey
    const encrypting = encryptStream({ key, context })
    key.fill(0)
    const stored = await collect(streamOf([patternOf(10)]).pipeThrough(encrypting))
    expect(await collect(decrypted([stored], copy))).toEqual(patternOf(10))
  })
})
