interface FakeBlob {
  readonly chunkCount: number
  readonly chunks: Map<number, Uint8Array<ArrayBuffer>>
}

// biome-ignore lint/suspicious/noExplicitAny: each handler knows what it is given
type Input = any

/** Files in chunks, for what stands in for a server. */
export function createFakeBlobs({ notFound }: { readonly notFound: () => Error }) {
  const blobs = new Map<string, FakeBlob>()
  const handlers = {
    createBlob({ body }: Input) {
      const blob = blobs.get(body.id) ?? { chunkCount: body.chunkCount, chunks: new Map() }
      blobs.set(body.id, blob)
      return { id: body.id, received: [...blob.chunks.keys()] }
    },
    putBlobChunk({ params, bytes }: Input) {
      blobs.get(params.id)?.chunks.set(Number(params.index), bytes.slice())
    },
    getBlobChunk({ params }: Input) {
      const bytes = blobs.get(params.id)?.chunks.get(Number(params.index))
      if (!bytes) throw notFound()
      return bytes
    },
  }
  return { handlers, blobs }
}
