import { describe, expect, it } from 'vitest'
import { isAppOrigin, isAppRedirectUri, isAppUri, isOfApp } from './redirect-uri.ts'

describe('redirect URI of an app', () => {
  it.each([
    'https://app.example.no/callback/vipps/likeperson',
    'https://app.example.no:8443/x/callback/vipps/likeperson',
    'no.example.app:/callback/vipps/likeperson',
    'no.example.app://login/callback/vipps/likeperson',
  ])('is %s', (uri) => {
    expect(isAppRedirectUri(uri, 'vipps', 'likeperson')).toBe(true)
  })

  it.each([
    ['no URI', '/callback/vipps/likeperson'],
    ['empty', ''],
    ['without TLS', 'http://app.example.no/callback/vipps/likeperson'],
    ['a loopback', 'http://localhost/callback/vipps/likeperson'],
    ['a scheme that anybody may have', 'myapp://x/callback/vipps/likeperson'],
    ['a script', 'javascript:/callback/vipps/likeperson'],
    ['data', 'data:,/callback/vipps/likeperson'],
    ['with a query', 'https://app.example.no/callback/vipps/likeperson?x=/callback/vipps/likeperson'],
    ['with an empty query', 'https://app.example.no/callback/vipps/likeperson?'],
    ['with a fragment', 'https://app.example.no/callback/vipps/likeperson#'],
    ['only in the query', 'https://app.example.no/?/callback/vipps/likeperson'],
    ['with a name', 'https://app.example.no@evil.example/callback/vipps/likeperson'],
    ['with a password', 'https://:x@evil.example/callback/vipps/likeperson'],
    ['of another provider', 'https://app.example.no/callback/bankid/likeperson'],
    ['of another organisation', 'https://app.example.no/callback/vipps/fjordhjelpen'],
    ['with more after it', 'https://app.example.no/callback/vipps/likeperson/'],
    ['with a host for a path', 'no.example.app://callback/vipps/likeperson'],
    ['written another way', 'https://APP.example.no/callback/vipps/likeperson'],
    ['with steps back', 'https://app.example.no/x/../callback/vipps/likeperson'],
    ['with a line break', 'https://app.example.no/\ncallback/vipps/likeperson'],
    ['endless', `https://app.example.no/${'x'.repeat(500)}/callback/vipps/likeperson`],
  ])('is not one that is %s', (_, uri) => {
    expect(isAppRedirectUri(uri, 'vipps', 'likeperson')).toBe(false)
  })

  it('may be elsewhere when it only switches back to the app', () => {
    expect(isAppUri('no.example.app:/switch')).toBe(true)
    expect(isAppUri('https://app.example.no/switch')).toBe(true)
    expect(isAppUri('myapp://switch')).toBe(false)
  })
})

describe('app', () => {
  const apps = ['https://app.example.no', 'no.example.app:']

  it.each([
    'https://app.example.no/callback/vipps/likeperson',
    'no.example.app:/callback/vipps/likeperson',
    'no.example.app://login/callback/vipps/likeperson',
  ])('has %s', (uri) => {
    expect(isOfApp(uri, apps)).toBe(true)
    expect(isOfApp(uri, [])).toBe(false)
  })

  it.each([
    'https://evil.example/callback/vipps/likeperson',
    'https://app.example.no.evil.example/callback/vipps/likeperson',
    'https://evil.example/app.example.no/callback/vipps/likeperson',
    'https://app.example.no:8443/callback/vipps/likeperson',
    'https://app.example.no@evil.example/callback/vipps/likeperson',
    'https://APP.example.no/callback/vipps/likeperson',
    'http://app.example.no/callback/vipps/likeperson',
    'no.example.app.evil:/callback/vipps/likeperson',
    'no.example.apps:/callback/vipps/likeperson',
    'no URI',
  ])('has not %s', (uri) => {
    expect(isOfApp(uri, apps)).toBe(false)
  })

  it.each(['https://app.example.no', 'https://app.example.no:8443', 'no.example.app:'])('is told by %s', (text) => {
    expect(isAppOrigin(text)).toBe(true)
  })

  it.each([
    '',
    'app.example.no',
    'https:',
    'https://',
    'https://*.example.no',
    'https://app.example.no/',
    'https://app.example.no/path',
    'http://app.example.no',
    'no.example.app',
    'no.example.app:/',
    'myapp:',
    'javascript:',
  ])('is not told by %j', (text) => {
    expect(isAppOrigin(text)).toBe(false)
  })
})
