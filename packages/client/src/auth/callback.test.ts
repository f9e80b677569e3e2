import { describe, expect, it } from 'vitest'
import { parseCallback, returnUrl } from './callback.ts'

describe('parseCallback', () => {
  it.each([
    ['of a page', 'https://app.example.no/callback/vipps/likeperson'],
    ['of a page in a folder', 'https://app.example.no/x/callback/vipps/likeperson'],
    ['that opens an app', 'https://app.example/x/callback/vipps/likeperson'],
    ['of a scheme of its own', 'no.example.app:/callback/vipps/likeperson'],
  ])('reads a URL %s', (_, redirectUri) => {
    expect(parseCallback(new URL(`${redirectUri}?code=c&state=s#top`))).toEqual({
      provider: 'vipps',
      organization: 'likeperson',
      redirectUri,
      query: 'code=c&state=s',
      state: 's',
      resumeUri: undefined,
      hasCode: true,
    })
  })

  it('finds the state in the malformed error of Vipps, and leaves the query as it came', () => {
    const callback = parseCallback(new URL('no.example.app:/callback/vipps/likeperson?state=s?error=unknown_error'))
    expect(callback).toMatchObject({ state: 's', query: 'state=s?error=unknown_error', hasCode: false })
  })

  it('reads where the browser is to go on', () => {
    const url = new URL(
      'https://app.example.no/callback/vipps/likeperson?state=s&resume_uri=https%3A%2F%2Fapi.vipps.no%2Fr',
    )
    expect(parseCallback(url).resumeUri).toBe('https://api.vipps.no/r')
  })

  it.each([
    'https://app.example.no/callback/feide/likeperson',
    'https://app.example.no/callback/vipps',
    'https://app.example.no/callback/vipps/likeperson/more',
    'https://app.example.no/mycallback/vipps/likeperson',
    'no.example.app://callback/vipps/likeperson',
  ])('refuses %s', (url) => {
    expect(() => parseCallback(new URL(url))).toThrow(expect.objectContaining({ code: 'login_state_mismatch' }))
  })
})

describe('returnUrl', () => {
  it('gives the way back from a login', () => {
    const text = 'no.example.app:/callback/bankid/likeperson?code=c&state=s'
    expect(returnUrl(text)?.href).toBe(text)
    expect(returnUrl(new URL(text))?.href).toBe(text)
  })

  it.each([
    'no.example.app:/projects/17?x=1',
    'https://app.example.no/callback/vipps/likeperson',
    'not a URL',
    '/callback/vipps/likeperson?code=c',
  ])('gives nothing for %s', (text) => {
    expect(returnUrl(text)).toBeUndefined()
  })
})
