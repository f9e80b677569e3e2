import { decryptStream, encryptStream, FILE_CHUNK_BYTE_LENGTH, generateContentKey } from '@nokkel/crypto'

// One way of encrypting one size, alone in a process, so that its memory can be told: `file.ts <way> <MiB> <times>`.

const mebibyte = 1_048_576
const [, , way = '', size = '0', times = '1'] = process.argv
const byteLength = Number(size) * mebibyte
const context = { purpose: 'bench', table: 'blob_chunk', column: 'bytes', row: 'blob_1', owner: 'usr_1' }
const plaintext = crypto.getRandomValues(new Uint8Array(65_536))
const piece = new Uint8Array(mebibyte).map((_, index) => plaintext[index % plaintext.byteLength] ?? 0)

function source(chunk = piece): ReadableStream<Uint8Array> {
  let left = byteLength
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(chunk.subarray(0, Math.min(left, chunk.byteLength)))
        left -= Math.min(left, chunk.byteLength)
        if (left === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

/** What WebCrypto alone takes: one chunk after the other, no streams. */
async function raw(withDigests: boolean): Promise<void> {
  const key = await crypto.subtle.importKey('raw', generateContentKey(), 'AES-GCM', false, ['encrypt'])
  const chunk = piece.subarray(0, FILE_CHUNK_BYTE_LENGTH)
  for (let index = 0; index * FILE_CHUNK_BYTE_LENGTH < byteLength; index++) {
    const iv = new Uint8Array(12)
    new DataView(iv.buffer).setUint32(8, index)
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, chunk)
    if (withDigests) await crypto.subtle.digest('SHA-256', sealed)
  }
}

const ways: Record<string, () => Promise<() => Promise<void>>> = {
  raw: async () => () => raw(false),
  'raw-digests': async () => () => raw(true),
  encrypt: async () => () => drain(source().pipeThrough(encryptStream({ key: generateContentKey(), context }))),
  'encrypt-digests': async () => () =>
    drain(source().pipeThrough(encryptStream({ key: generateContentKey(), context, onDigest: () => undefined }))),
  roundtrip: async () => () => {
    const key = generateContentKey()
    return drain(source().pipeThrough(encryptStream({ key, context })).pipeThrough(decryptStream({ key, context })))
  },
}

const prepare = ways[way]
if (!prepare) throw new TypeError(`${way} is not a way`)
const run = await prepare()
const milliseconds: number[] = []
if (Number(times) > 1) for (let warm = 0; warm < 5; warm++) await run()
for (let time = 0; time < Number(times); time++) {
  const started = performance.now()
  await run()
  milliseconds.push(performance.now() - started)
}
process.send?.({ milliseconds, peakBytes: process.resourceUsage().maxRSS * 1024 })
process.disconnect?.()
