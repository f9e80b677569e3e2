import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NokkelServer } from '../server.ts'
import type { Listening } from './listen.ts'
import { serve } from './serve.ts'

describe('serve', () => {
  let root: string
  let listening: Listening
  let closed = 0
  const answers: { finish: () => void }[] = []
  const server: NokkelServer = {
    ready: async () => undefined,
    sealed: () => false,
    close: async () => {
      closed++
    },
    async fetch(incoming, environment) {
      const { pathname } = new URL(incoming.url)
      if (pathname === '/nokkel/slow') await new Promise<void>((finish) => answers.push({ finish }))
      return Response.json({ pathname, clientAddress: environment?.clientAddress })
    },
  }
  const start = () => serve({ server, directory: join(root, 'dist'), port: 0, host: '127.0.0.1', mode: 'development' })
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'nokkel-serve-'))
    mkdirSync(join(root, 'dist/assets'), { recursive: true })
    writeFileSync(join(root, 'secret.txt'), 'secret')
    writeFileSync(join(root, 'dist/index.html'), '<!doctype html>')
    writeFileSync(join(root, 'dist/assets/main-Abc123.js'), 'export {}')
    listening = await start()
  })
  afterAll(async () => {
    await listening.close()
    rmSync(root, { recursive: true })
  })

  /** As written: fetch would tidy the path. */
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; body: string }>(
      (resolve, reject) => {
        request({ port: listening.port, host: '127.0.0.1', path, method, headers }, (response) => {
          let body = ''
          response.setEncoding('utf8')
          response.on('data', (text: string) => {
            body += text
          })
          response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
        })
          .on('error', reject)
          .end()
      },
    )
  const html = { accept: 'text/html' }

  it.each([
    '/',
    '/index.html',
    '/assets',
    '/assets/',
    '/assets/main-Abc123.js',
    '/callback/vipps/likeperson?code=x&state=y',
    '/callback/vipps/likeperson/?code=x&state=y',
    '/login?returnTo=https://evil.example/',
    '//evil.example',
    '//evil.example/..',
    '/%2f%2fevil.example',
    '/\\evil.example',
    '/elsewhere/',
  ])('sends nobody elsewhere from %s', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const { status = 0, headers } = await get(path, { ...html, host: 'evil.example' }, method)
      expect({ method, redirects: status >= 300 && status < 400 }).toEqual({ method, redirects: false })
      expect([headers.location, headers.refresh], method).toEqual([undefined, undefined])
    }
  })

  it('serves hashed files for ever and others with a validator', async () => {
    const asset = await get('/assets/main-Abc123.js')
    expect(asset).toMatchObject({ status: 200, body: 'export {}' })
    expect(asset.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("script-src 'self'"),
    })
    const page = await get('/index.html')
    expect(page.headers['cache-control']).toBe('no-cache')
    expect(await get('/index.html', { 'if-none-match': String(page.headers.etag) })).toMatchObject({
      status: 304,
      body: '',
    })
  })

  it.each(['/', '/callback/vipps/likeperson?code=x&state=y', '/inbox'])('gives the application at %s', async (path) => {
    expect(await get(path, html)).toMatchObject({ status: 200, body: '<!doctype html>' })
  })

  it.each([
    ['/inbox', {}, 'GET'],
    ['/inbox', html, 'POST'],
    ['/nokkel', html, 'GET'],
    ['/nokkel/unknown', html, 'GET'],
    ['/assets/missing.js', {}, 'GET'],
    ['/../secret.txt', {}, 'GET'],
    ['/assets/../../secret.txt', {}, 'GET'],
    ['/%2e%2e/secret.txt', {}, 'GET'],
    ['/..%2fsecret.txt', {}, 'GET'],
    ['/assets/..%5c..%5csecret.txt', {}, 'GET'],
  ])('leaves %s %j %s to the API', async (path, headers, method) => {
    const { body } = await get(path, headers, method)
    expect(JSON.parse(body)).toMatchObject({ clientAddress: '127.0.0.1' })
  })

  it('refuses headers that are too large', async () => {
    expect((await get('/nokkel/x', { 'x-large': 'x'.repeat(20_000) })).status).toBe(431)
  })

  it('refuses what is no HTTP', async () => {
    const socket = connect(listening.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n')
    const text = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    socket.destroy()
    expect(text).toContain('400 Bad Request')
  })

  it('lets requests under way finish, takes no new ones, and then closes the server', async () => {
    const before = closed
    const other = listening
    listening = await start()
    const slow = get('/nokkel/slow')
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const closing = listening.close()
    await expect(get('/nokkel/x')).rejects.toThrow('ECONNREFUSED')
    expect(closed).toBe(before)
    answers[0]?.finish()
    expect((await slow).status).toBe(200)
    await closing
    expect(closed).toBe(before + 1)
    listening = other
  })
})
