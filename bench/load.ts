import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  readonly url: string
  readonly connections: number
  readonly milliseconds: number
  /** What a connection sends next. The same object once more is not encoded once more. */
  readonly request: (connection: number) => LoadRequest
}

export interface LoadRequest {
  readonly token: string
  readonly body: unknown
}

export interface Load {
  readonly rate: number
  readonly milliseconds: readonly number[]
}

/**
 * POSTs JSON as fast as it is answered, one request at a time on each connection. Bare sockets: a full HTTP client would
 * take more of the two cores than the servers that are compared.
 *
 * @throws {Error} An answer was not 2xx.
 */
export async function load({ url, connections, milliseconds, request }: LoadOptions): Promise<Load> {
  const latencies: number[] = []
  const started = performance.now()
  const end = started + milliseconds
  const client = async (connection: number) => {
    const address = new URL(url)
    const exchange = await open(address)
    let last = request(connection)
    let message = encodeRequest(address, last)
    for (let next = last; performance.now() < end; next = request(connection)) {
      if (next !== last) message = encodeRequest(address, next)
      last = next
      const asked = performance.now()
      await exchange.send(message)
      latencies.push(performance.now() - asked)
    }
    exchange.close()
  }
  await Promise.all(Array.from({ length: connections }, (_, connection) => client(connection)))
  return { rate: (latencies.length * 1000) / (performance.now() - started), milliseconds: latencies }
}

function encodeRequest(url: URL, { token, body }: LoadRequest): Buffer {
  const json = JSON.stringify(body)
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${json}`)
}

async function open(url: URL): Promise<{ send(message: Buffer): Promise<void>; close(): void }> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect(Number(url.port), url.hostname, () => resolve(opening.setNoDelay(true)))
    opening.once('error', reject)
  })
  let received = ''
  let settle: { resolve(): void; reject(cause: Error): void } | undefined
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
    if (!isComplete(received)) return
    const status = received.slice(9, 12)
    const answer = received
    received = ''
    if (status.startsWith('2')) settle?.resolve()
    else settle?.reject(new Error(`Answered ${status}: ${answer.split('\r\n\r\n', 2)[1]?.slice(0, 500)}`))
  })
  const fail = () => settle?.reject(new Error('The connection was closed.'))
  socket.once('error', fail).once('close', fail)
  return {
    send: (message) =>
      new Promise<void>((resolve, reject) => {
        settle = { resolve, reject }
        socket.write(message)
      }),
    close() {
      settle = undefined
      socket.destroy()
    },
  }
}

function isComplete(message: string): boolean {
  const head = message.indexOf('\r\n\r\n')
  if (head < 0) return false
  const [, length] = /^content-length: (\d+)/im.exec(message.slice(0, head)) ?? []
  return length === undefined ? message.endsWith('0\r\n\r\n') : message.length >= head + 4 + Number(length)
}
