import { describe, expect, it } from 'vitest'
import { deriveCodeChallenge, generateCodeVerifier, VippsPkceGenerator } from './pkce.ts'

describe('PKCE', () => {
  it('derives the challenge of RFC 7636 Appendix B', async () => {
    const challenge = await deriveCodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')
    expect(challenge).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
  })

  it('makes verifiers of allowed length and characters, each another', () => {
    const verifiers = Array.from({ length: 100 }, generateCodeVerifier)
    for (const verifier of verifiers) expect(verifier).toMatch(/^[A-Za-z0-9_-]{43,128}$/)
    expect(new Set(verifiers).size).toBe(100)
  })

  it('makes all that a login needs, each time another, with the challenge of its verifier', async () => {
    const generator = new VippsPkceGenerator()
    const [one, two] = [await generator.generate(), await generator.generate()]
    expect(generator.method).toBe('S256')
    for (const text of [one.state, one.nonce, one.challenge]) expect(text).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(one.challenge).toBe(await deriveCodeChallenge(one.verifier))
    expect(new Set([...Object.values(one), ...Object.values(two)]).size).toBe(8)
  })

  it.each([
    ['42 characters', 'a'.repeat(42)],
    ['129 characters', 'a'.repeat(129)],
    ['a character that is not unreserved', `${'a'.repeat(43)}+`],
    ['padding', `${'a'.repeat(43)}=`],
  ])('refuses a verifier with %s', async (_, verifier) => {
    await expect(deriveCodeChallenge(verifier)).rejects.toThrow(RangeError)
  })
})
