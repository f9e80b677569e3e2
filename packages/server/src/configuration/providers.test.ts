import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { parseProviders } from './providers.ts'

const fixedRsa = Buffer.from(testPrivateKeys[0], 'base64')

const secret = 'planted-secret'
const vipps = {
  provider: 'vipps',
  organization: 'likeperson',
  issuer: 'https://api.vipps.no/access-management-1.0/access/',
  clientId: '123456',
  authentication: { method: 'client_secret_basic', secret },
}
const bankid = { ...vipps, provider: 'bankid', issuer: 'https://auth.bankid.no/auth/realms/prod' }
const parse = (...connections: unknown[]) => parseProviders(JSON.stringify(connections), 'PROVIDERS', {})

describe('providers', () => {
  it.each([
    [
      'everything of Vipps',
      {
        ...vipps,
        personnummer: true,
        confirmInApp: true,
        appRedirectUri: 'https://app.example.no/callback/vipps/likeperson',
        appCallbackUri: 'no.example.app:/callback/vipps/likeperson',
        market: 'DK',
      },
    ],
    ['an app of BankID', { ...bankid, appRedirectUri: 'no.example.app:/callback/bankid/likeperson' }],
    ['BankID by Idura', { ...bankid, via: 'idura', issuer: 'https://example.idura.broker' }],
    ['BankID by Signicat', { ...bankid, via: 'signicat', issuer: 'https://example.signicat.com/auth/open' }],
    ['Vipps by Idura', { ...vipps, via: 'idura', issuer: 'https://example.idura.broker' }],
  ])('may be %s', async (_, connection) => {
    expect((await parse(connection)).connections).toEqual([connection])
  })

  it.each(['RSA', 'EC'])('may be known by a key: %s', async (kind) => {
    const { privateKey } =
      kind === 'EC'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : { privateKey: createPrivateKey({ key: fixedRsa, format: 'der', type: 'pkcs8' }) }
    const authentication = { method: 'private_key_jwt', key: JSON.stringify(privateKey.export({ format: 'jwk' })) }
    const [connection] = (await parse({ ...bankid, authentication })).connections
    expect(connection?.authentication).toEqual({ method: 'private_key_jwt', key: expect.anything() })
  })

  it.each([
    ['Vipps by Signicat', { ...vipps, via: 'signicat' }, 'There is no vipps by way of signicat.'],
    ['an unknown broker', { ...bankid, via: secret }, 'PROVIDERS is wrong at 0.via'],
    ['an unknown market', { ...vipps, market: secret }, 'PROVIDERS is wrong at 0.market'],
    ['a market of BankID', { ...bankid, market: 'NO' }, 'The market of bankid/likeperson'],
    ['confirmation in an app of BankID', { ...bankid, confirmInApp: true }, 'confirmInApp of bankid/likeperson'],
    ['confirmation that is no yes or no', { ...vipps, confirmInApp: 1 }, 'PROVIDERS is wrong at 0.confirmInApp'],
    [
      'an app that anybody may be',
      { ...vipps, appRedirectUri: `${secret}://x/callback/vipps/likeperson` },
      'appRedirectUri of vipps/likeperson',
    ],
    [
      'an app of another organisation',
      { ...vipps, appRedirectUri: 'https://app.example.no/callback/vipps/nordlys' },
      'appRedirectUri of vipps/likeperson',
    ],
    ['a client that is no object', secret, 'PROVIDERS is wrong at 0'],
    [
      'a key that is none',
      { ...bankid, authentication: { method: 'private_key_jwt', key: secret } },
      'no private JWK of RSA or P-256',
    ],
    [
      'a variable that is not there',
      { ...bankid, authentication: { method: 'client_secret_post', secret: { variable: 'NO_SUCH' } } },
      'NO_SUCH is not set; PROVIDERS names it.',
    ],
  ])('refuses %s in a sentence without the value', async (_, connection, message) => {
    const error: unknown = await parse(connection).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining(message) })
    expect((error as Error).message).not.toContain(secret)
  })

  it('refuses what is no list', async () => {
    await expect(parseProviders('{}', 'PROVIDERS', {})).rejects.toThrow('PROVIDERS is wrong at the top')
  })
})
