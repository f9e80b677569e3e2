import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeBase64Url } from '@nokkel/crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../keyring/digest.ts'
import { exchangeLogin } from './exchange.ts'
import { createProviderClients } from './providers/client.ts'
import type { ProviderConnection } from './providers/provider.ts'
import type { Attempt } from './store.ts'

describe('the ID Token of a BankID', () => {
  const secret = 'not-a-secret-but-long-enough-to-sign-with'
  const nonce = 'N'.repeat(43)
  let issuer = ''
  let keys: { ES256: CryptoKeyPair; RS256: CryptoKeyPair }
  /** What the token endpoint gives out next. */
  let idToken = ''
  const host = createServer(async ({ url }, response) => {
    const answer = url?.endsWith('/jwks')
      ? {
          keys: await Promise.all(
            Object.entries(keys).map(async ([alg, { publicKey }]) => ({
              ...(await exportJWK(publicKey)),
              alg,
              kid: alg,
              use: 'sig',
            })),
          ),
        }
      : url?.endsWith('/token')
        ? { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: idToken }
        : {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            jwks_uri: `${issuer}/jwks`,
            code_challenge_methods_supported: ['S256'],
            id_token_signing_alg_values_supported: ['ES256', 'RS256', 'HS256', 'none'],
          }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
    issuer = `http://localhost:${(host.address() as AddressInfo).port}/realm`
    keys = { ES256: await generateKeyPair('ES256'), RS256: await generateKeyPair('RS256') }
  })
  afterAll(() => {
    host.close()
    host.closeAllConnections()
  })

  const right = (): Record<string, unknown> => {
    const iat = Math.floor(Date.now() / 1000)
    return {
      iss: issuer,
      aud: 'likeperson',
      azp: 'likeperson',
      sub: 'x',
      iat,
      exp: iat + 300,
      nonce,
      acr: 'urn:bankid:bid;LOA=4',
      bankid_altsub: '9578-6000-4-123456',
      name: 'Kari Nordmann',
      birthdate: '1990-01-01',
    }
  }
  const sign = (claims: Record<string, unknown>, alg = 'ES256', key: CryptoKey | Uint8Array = keys.ES256.privateKey) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: alg }).sign(key)

  async function exchange(token: string): Promise<unknown> {
    idToken = token
    const connection: ProviderConnection = {
      provider: 'bankid',
      organization: 'likeperson',
      issuer,
      clientId: 'likeperson',
      authentication: { method: 'client_secret_basic', secret },
    }
    const [codeVerifier, state] = ['V'.repeat(43), 'S'.repeat(43)]
    const attempt: Attempt = {
      provider: 'bankid',
      organizationId: '5f0d6a7e-3a3c-4d54-9c8f-0f6a52cf26f1',
      organization: 'likeperson',
      issuer,
      clientId: 'likeperson',
      redirectUri: 'https://app.example.no/callback/bankid/likeperson',
      stateHash: await sha256(state),
      nonceHash: await sha256(nonce),
      codeChallenge: encodeBase64Url(await sha256(codeVerifier)),
      consentVersion: 'v1',
      consentShares: ['name', 'birthDate'],
      scope: 'openid profile',
      flow: 'browser',
      linkSessionId: null,
      waitingId: null,
      supabaseUserId: null,
      minimumAssurance: 'high',
    }
    return exchangeLogin(
      {
        connections: { find: async () => connection, offers: async () => new Map() },
        providerClients: createProviderClients({ production: false, timeoutSeconds: 30, now: () => new Date() }),
        allowSynthetic: true,
      },
      attempt,
      { provider: 'bankid', organization: 'likeperson', callback: `code=c&state=${state}`, codeVerifier, nonce },
    )
  }

  it('is taken when all of it is right', async () => {
    expect(await exchange(await sign(right()))).toMatchObject({ name: 'Kari Nordmann', acr: 'urn:bankid:bid;LOA=4' })
  })

  it.each<[string, () => Record<string, unknown>]>([
    ['another issuer', () => ({ ...right(), iss: 'https://evil.example' })],
    ['another audience', () => ({ ...right(), aud: 'another' })],
    ['two audiences and no word of who asked', () => ({ ...right(), aud: ['likeperson', 'another'], azp: undefined })],
    [
      'two audiences, asked for by the other one',
      () => ({ ...right(), aud: ['likeperson', 'another'], azp: 'another' }),
    ],
    ['an end that is past', () => ({ ...right(), exp: Math.floor(Date.now() / 1000) - 120 })],
    ['no end', () => ({ ...right(), exp: undefined })],
    ['no beginning', () => ({ ...right(), iat: undefined })],
    ['another nonce', () => ({ ...right(), nonce: 'M'.repeat(43) })],
    ['no nonce', () => ({ ...right(), nonce: undefined })],
    ['no subject', () => ({ ...right(), sub: undefined })],
  ])('is refused with %s', async (_, claims) => {
    await expect(exchange(await sign(claims()))).rejects.toMatchObject({ code: 'login_token_invalid' })
  })

  it.each<[string, () => Promise<string>]>([
    ['by nobody', async () => `${encode({ alg: 'none' })}.${encode(right())}.`],
    ['with the client secret', () => sign(right(), 'HS256', new TextEncoder().encode(secret))],
    ['by an algorithm that it is not agreed on', () => sign(right(), 'RS256', keys.RS256.privateKey)],
    ['by somebody else', async () => sign(right(), 'ES256', (await generateKeyPair('ES256')).privateKey)],
  ])('is refused when it is signed %s', async (_, token) => {
    await expect(exchange(await token())).rejects.toMatchObject({ code: 'login_token_invalid' })
  })

  it.each(['urn:bankid:bis;LOA=3', '', undefined])('is not enough with the level %j', async (acr) => {
    await expect(exchange(await sign({ ...right(), acr }))).rejects.toMatchObject({ code: 'login_assurance_too_low' })
  })

  const encode = (value: unknown) => encodeBase64Url(new TextEncoder().encode(JSON.stringify(value)))
})
