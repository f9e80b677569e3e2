import { generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AccessTokens, createAccessTokens } from './access-token.ts'

describe('an access token signed by our own key', () => {
  const issuer = 'https://keys.example.no/nokkel'
  const claims = { sub: crypto.randomUUID(), sid: crypto.randomUUID(), organization: crypto.randomUUID() }
  const issuedAt = Math.floor(Date.now() / 1000)
  const right: JWTPayload = {
    ...claims,
    iss: issuer,
    aud: 'authenticated',
    role: 'authenticated',
    iat: issuedAt,
    exp: issuedAt + 600,
  }
  let keys: CryptoKeyPair
  let tokens: AccessTokens
  beforeAll(async () => {
    keys = await generateKeyPair('ES256')
    tokens = createAccessTokens(
      issuer,
      {
        current: async () => ({
          signer: { kid: 'one', key: keys.privateKey },
          verifiers: new Map(),
          jwks: { keys: [] },
        }),
        find: async (kid) => (kid === 'one' ? keys.publicKey : undefined),
      },
      () => new Date(issuedAt * 1000),
    )
  })

  const sign = (payload: JWTPayload, header = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'one', ...header }).sign(keys.privateKey)

  it('is taken when it is for us, by us', async () => {
    expect(await tokens.verify(await sign(right))).toMatchObject({ claims, expiresAt: (issuedAt + 600) * 1000 })
    expect((await tokens.verify((await tokens.issue(claims)).accessToken)).claims).toMatchObject(claims)
  })

  const without = (name: string) => Object.fromEntries(Object.entries(right).filter(([known]) => known !== name))
  it.each<[string, JWTPayload, Record<string, unknown>?]>([
    ['another audience', { ...right, aud: 'https://files.example.no' }],
    ['no audience', without('aud')],
    ['another issuer', { ...right, iss: 'https://keys.example.no/another' }],
    ['no issuer', without('iss')],
    ['no end', without('exp')],
    ['another role', { ...right, role: 'service_role' }],
    ['no session', without('sid')],
    ['no organisation', without('organization')],
    ['another type', right, { typ: 'id+jwt' }],
    ['no type', right, { typ: undefined }],
    ['no key', right, { kid: undefined }],
  ])('is refused with %s', async (_, payload, header) => {
    await expect(tokens.verify(await sign(payload, header))).rejects.toMatchObject({ code: 'token_invalid' })
  })
})
