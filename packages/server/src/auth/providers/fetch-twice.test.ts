import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFetchTwice } from './fetch-twice.ts'

describe('asking a provider', () => {
  const methods: string[] = []
  let answer: RequestListener
  const host = createServer((request, response) => {
    methods.push(request.method ?? '')
    answer(request, response)
  })
  let url: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
    url = `http://localhost:${(host.address() as AddressInfo).port}/`
  })
  beforeEach(() => {
    methods.length = 0
    waiting = new AbortController()
  })
  afterAll(() => {
    host.close()
    host.closeAllConnections()
  })

  const status =
    (...statuses: number[]): RequestListener =>
    (_, response) =>
      void response.writeHead(statuses[methods.length - 1] ?? 0).end(`${methods.length}`)
  const hangUp: RequestListener = (request) => void request.socket.destroy()
  /** The caller has waited long enough once the request is there. */
  let waiting = new AbortController()
  const silent: RequestListener = () => waiting.abort(new DOMException('no answer came', 'TimeoutError'))
  const ask = (method: string, timeoutSeconds = 30) =>
    createFetchTwice(timeoutSeconds)(url, {
      method,
      headers: {},
      body: method === 'POST' ? new URLSearchParams({ code: 'x' }) : undefined,
      redirect: 'manual',
      signal: waiting.signal,
    })

  it.each([200, 302, 400, 404, 429])('takes the first answer of %i', async (first) => {
    answer = status(first, 200)
    expect((await ask('GET')).status).toBe(first)
    expect(methods).toEqual(['GET'])
  })

  it.each([500, 502, 503])('asks again after %i, and then takes what comes', async (first) => {
    answer = status(first, 200)
    expect(await (await ask('GET')).text()).toBe('2')
    methods.length = 0
    answer = status(first, first, 200)
    expect((await ask('GET')).status).toBe(first)
    expect(methods).toEqual(['GET', 'GET'])
  })

  it('asks again after a connection that was closed', async () => {
    answer = (request, response) => (methods.length === 1 ? hangUp : status(200, 200))(request, response)
    expect((await ask('GET')).status).toBe(200)
    answer = hangUp
    await expect(ask('GET')).rejects.toThrow(TypeError)
    expect(methods).toEqual(['GET', 'GET', 'GET', 'GET'])
  })

  it('asks again after silence, and does not wait for ever', async () => {
    answer = (request, response) => (methods.length === 1 ? silent : status(200, 200))(request, response)
    expect((await ask('GET')).status).toBe(200)
    answer = silent
    await expect(ask('GET', 0.1)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it.each([
    ['fails', status(503, 200)],
    ['closes the connection', hangUp],
    ['is silent', silent],
  ])('sends a code once to a provider that %s', async (_, listener) => {
    answer = listener
    await ask('POST').then(
      (response) => expect(response.status).toBe(503),
      (cause: unknown) => expect(cause).toBeInstanceOf(Error),
    )
    expect(methods).toEqual(['POST'])
  })
})
