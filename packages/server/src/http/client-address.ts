/** What the host knows of a request besides the request. */
export interface RequestEnvironment {
  /** Address of the other end of the connection. */
  readonly clientAddress?: string | undefined
  /** Where the host may stop once it has been answered: is told of work that goes on a little longer. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

/**
 * Who is counted for rate limits. `X-Forwarded-For` is believed only as far as proxies of our own wrote it: with
 * `trustedProxies` of them, the entry that many from the end. Of an IPv6 address, the network of 64 bits: a single
 * subscriber has all addresses in it.
 */
export function clientAddress(request: Request, environment: RequestEnvironment, trustedProxies: number): string {
  if (trustedProxies > 0) {
    const forwarded = request.headers.get('x-forwarded-for')?.split(',') ?? []
    const address = forwarded.at(-trustedProxies)?.trim()
    if (address) return networkOf(address)
  }
  return networkOf(environment.clientAddress ?? 'unknown')
}

/** @see RFC 4291 §2.2 */
function networkOf(text: string): string {
  // Some proxies write the port too, of which a client has many.
  const address = text.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (mapped !== undefined) return mapped
  if (!/^[\da-f:]*:[\da-f:]*:[\da-f:.]*(?:%.*)?$/i.test(address)) return address
  const [head = '', tail = ''] = address.replace(/%.*/, '').toLowerCase().split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

const groupsOf = (text: string): string[] =>
  text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, ''))
