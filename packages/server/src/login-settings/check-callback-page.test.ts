import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { checkCallbackPage } from './check-callback-page.ts'

describe('the page that people come back to', () => {
  let server: Server | undefined
  afterEach(() => void server?.close())

  async function checkWhere(listener: RequestListener) {
    server = createServer(listener).listen(0, 'localhost')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return checkCallbackPage(`http://localhost:${port}/callback/vipps/fjordhjelpen`, 5)
  }

  it('is asked for as a browser asks', async () => {
    const found = await checkWhere(({ headers }, response) => {
      const isPage = headers.accept?.includes('text/html')
      response
        .writeHead(isPage ? 200 : 404, { 'content-type': isPage ? 'text/html' : 'application/problem+json' })
        .end()
    })
    expect(found).toEqual([])
  })

  it.each([
    [404, 'text/html'],
    [200, 'application/json'],
    [302, 'text/html'],
  ])('is not there where %i %s is the answer', async (status, type) => {
    const found = await checkWhere((_request, response) => {
      response.writeHead(status, { 'content-type': type, location: '/' }).end()
    })
    expect(found).toMatchObject([{ check: 'redirect_uri', result: 'failed' }])
    expect(found[0]?.detail).toMatch(new RegExp(`answers ${status} and no page.*APP_URL`))
  })

  it('may be where it cannot be reached from here', async () => {
    const found = await checkCallbackPage('http://localhost:9/callback/vipps/fjordhjelpen', 5)
    expect(found).toMatchObject([{ check: 'redirect_uri', result: 'unknown' }])
  })
})
