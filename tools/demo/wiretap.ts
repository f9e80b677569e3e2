/** One request and its answer, as whoever reads the network without TLS would see them. */
export interface Exchange {
  readonly who: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: Uint8Array
  readonly request: Uint8Array
  readonly answer: Uint8Array
}

/** A `fetch` for each person that writes down everything that passes. */
export function createWiretap(): { readonly exchanges: Exchange[]; fetchOf(who: string): typeof fetch } {
  const exchanges: Exchange[] = []
  return {
    exchanges,
    fetchOf: (who) => async (input, init) => {
      const request = new Request(input, init)
      const { method, url } = request
      const headers = new TextEncoder().encode([...request.headers].map((header) => header.join(': ')).join('\n'))
      const response = await fetch(request)
      const answer = new Uint8Array(await response.clone().arrayBuffer())
      const path = new URL(url).pathname
      exchanges.push({ who, method, path, status: response.status, headers, request: bytesOf(init?.body), answer })
      return response
    },
  }
}

function bytesOf(body: BodyInit | null | undefined): Uint8Array {
  if (body === null || body === undefined) return new Uint8Array()
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof Uint8Array) return body
  throw new TypeError('The client sends text or bytes only.')
}
