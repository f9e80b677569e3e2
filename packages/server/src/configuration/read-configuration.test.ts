import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { knownVippsIssuers } from '../login-settings/login-setup.ts'
import { readConfiguration } from './read-configuration.ts'

const secret = 'planted-secret'
const connection = {
  provider: 'vipps',
  organization: 'likeperson',
  issuer: 'https://api.vipps.no/access-management-1.0/access/',
  clientId: '123456',
  authentication: { method: 'client_secret_basic', secret: { variable: 'VIPPS_SECRET' } },
}
const environment = {
  DATABASE_URL: `postgres://nokkel_server:${secret}@localhost/nokkel`,
  PUBLIC_URL: 'https://keys.example.no/',
  PROVIDERS: JSON.stringify([connection]),
  VIPPS_SECRET: secret,
}

describe('configuration', () => {
  it('is read from the environment', async () => {
    const { providers, ...rest } = await readConfiguration({
      ...environment,
      ALLOWED_ORIGINS: 'https://a.example, https://b.example',
      APP_ORIGINS: 'https://app.example.no, no.example.app:',
      TRUSTED_PROXIES: '1',
      BACKUP_RETENTION_DAYS: '14',
    })
    expect(rest).toEqual({
      databaseUrl: environment.DATABASE_URL,
      publicUrl: 'https://keys.example.no',
      appUrl: 'https://keys.example.no',
      vippsIssuers: { production: 'https://api.vipps.no/access-management-1.0/access/' },
      allowedOrigins: ['https://a.example', 'https://b.example'],
      appOrigins: ['https://app.example.no', 'no.example.app:'],
      trustedProxies: 1,
      backupRetentionDays: 14,
    })
    expect(providers.connections).toEqual([
      { ...connection, authentication: { method: 'client_secret_basic', secret } },
    ])
  })

  it('has nothing open by default', async () => {
    expect(await readConfiguration(environment)).toMatchObject({
      allowedOrigins: [],
      appOrigins: [],
      trustedProxies: 0,
    })
  })

  it('has the application where the API is, or at an origin that may call it', async () => {
    const PUBLIC_URL = 'https://project.supabase.example/functions/v1'
    const ALLOWED_ORIGINS = 'https://a.example, https://b.example'
    const appUrlOf = async (APP_URL: string) =>
      (await readConfiguration({ ...environment, PUBLIC_URL, ALLOWED_ORIGINS, APP_URL })).appUrl
    expect(await appUrlOf('')).toBe(PUBLIC_URL)
    expect(await appUrlOf(`${PUBLIC_URL}/`)).toBe(PUBLIC_URL)
    expect(await appUrlOf('https://b.example/')).toBe('https://b.example')
    expect(await appUrlOf('https://project.supabase.example')).toBe('https://project.supabase.example')
  })

  it('offers the environments of Vipps that the operator names', async () => {
    const named = { VIPPS_ISSUER: 'https://vipps.example/', VIPPS_TEST_ISSUER: 'https://test.vipps.example/' }
    const { vippsIssuers } = await readConfiguration({ ...environment, ...named })
    expect(vippsIssuers).toEqual({ production: named.VIPPS_ISSUER, test: named.VIPPS_TEST_ISSUER })
  })

  it('takes the accounts of a Supabase project where it is reached with https', async () => {
    const projectOf = async (more: Record<string, string>) =>
      (await readConfiguration({ ...environment, ...more })).supabase
    const SUPABASE_URL = 'https://project.supabase.example/'
    const issuer = 'https://project.supabase.example/auth/v1'
    const SUPABASE_JWKS_URL = 'https://keys.example/jwks'
    expect(await projectOf({ SUPABASE_URL })).toEqual({ issuer })
    expect(await projectOf({ SUPABASE_URL, SUPABASE_JWKS_URL })).toEqual({ issuer, jwksUrl: SUPABASE_JWKS_URL })
    expect(await projectOf({ SUPABASE_URL: 'http://kong:8000' })).toBeUndefined()
    expect(await projectOf({})).toBeUndefined()
    await expect(projectOf({ SUPABASE_URL: 'project' })).rejects.toThrow('SUPABASE_URL must be')
    await expect(projectOf({ SUPABASE_JWKS_URL })).rejects.toThrow('SUPABASE_URL is not set')
    await expect(projectOf({ SUPABASE_URL, SUPABASE_JWKS_URL: 'http://keys.example' })).rejects.toThrow(
      'SUPABASE_JWKS_URL',
    )
  })

  it('reads providers from a file, and a client key as JWK', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { PROVIDERS: _, ...rest } = environment
    const authentication = { method: 'private_key_jwt', key: { variable: 'CLIENT_KEY' }, kid: 'one' }
    const { providers } = await readConfiguration(
      { ...rest, PROVIDERS_FILE: 'providers.json', CLIENT_KEY: JSON.stringify(privateKey.export({ format: 'jwk' })) },
      async (file) => (file === 'providers.json' ? JSON.stringify([{ ...connection, authentication }]) : ''),
    )
    expect(providers.connections[0]?.authentication).toMatchObject({ method: 'private_key_jwt', kid: 'one' })
  })

  const providersWith = (changes: object) => JSON.stringify([{ ...connection, ...changes }])
  it.each([
    ['no database', { DATABASE_URL: undefined }, 'DATABASE_URL is not set'],
    ['another database', { DATABASE_URL: `mysql://root:${secret}@localhost` }, 'DATABASE_URL must begin'],
    ['no public URL', { PUBLIC_URL: '' }, 'PUBLIC_URL is not set'],
    ['a public URL without TLS', { PUBLIC_URL: `http://keys.example.no/${secret}` }, 'PUBLIC_URL must be'],
    ['no providers', { PROVIDERS: undefined }, 'PROVIDERS is not set'],
    ['providers that are no JSON', { PROVIDERS: `[${secret}` }, 'PROVIDERS is not JSON.'],
    ['an unknown member', { PROVIDERS: providersWith({ secret }) }, 'PROVIDERS is wrong at 0'],
    ['an unknown provider', { PROVIDERS: providersWith({ provider: secret }) }, 'PROVIDERS is wrong at 0.provider'],
    ['the same twice', { PROVIDERS: JSON.stringify([connection, connection]) }, 'two connections for vipps/likeperson'],
    ['a secret that is not set', { VIPPS_SECRET: undefined }, 'VIPPS_SECRET is not set; PROVIDERS names it.'],
    ['an origin with a path', { ALLOWED_ORIGINS: `https://a.example/${secret}` }, 'ALLOWED_ORIGINS must hold'],
    ['an application that may not call the API', { APP_URL: `https://${secret}.example` }, 'APP_URL must be'],
    [
      'an application with a path',
      { ALLOWED_ORIGINS: 'https://a.example', APP_URL: `https://a.example/${secret}` },
      'APP_URL must be',
    ],
    [
      'an application without TLS',
      { ALLOWED_ORIGINS: 'http://a.example', APP_URL: 'http://a.example' },
      'APP_URL must be',
    ],
    ['an app with a path', { APP_ORIGINS: `https://app.example.no/${secret}` }, 'APP_ORIGINS must hold'],
    ['a scheme that anybody may use', { APP_ORIGINS: `${secret}:` }, 'APP_ORIGINS must hold'],
    ['a Vipps without TLS', { VIPPS_ISSUER: `http://${secret}.example/` }, 'VIPPS_ISSUER must be'],
    ['a test environment of Vipps that is no URL', { VIPPS_TEST_ISSUER: secret }, 'VIPPS_TEST_ISSUER must be'],
    [
      'the test people of BankID among real ones',
      {
        PROVIDERS: providersWith({
          provider: 'bankid',
          issuer: 'https://auth.current.bankid.no/auth/realms/current',
        }),
      },
      'The issuer of bankid/likeperson is a test environment',
    ],
    ...['nordlys.test.idura.broker', 'nordlys-test.criipto.id', 'nordlys.sandbox.signicat.com.'].map(
      (host): [string, Record<string, string>, string] => [
        `those of a broker at ${host}`,
        { PROVIDERS: providersWith({ provider: 'bankid', via: 'idura', issuer: `https://${host}` }) },
        'The issuer of bankid/likeperson is a test environment',
      ],
    ),
    [
      'those of Vipps',
      { PROVIDERS: providersWith({ issuer: knownVippsIssuers.test }) },
      'The issuer of vipps/likeperson is a test environment',
    ],
    [
      'those of Vipps for organisations to choose',
      { VIPPS_TEST_ISSUER: knownVippsIssuers.test },
      'The issuer of vipps/test is a test environment',
    ],
    [
      'those of Vipps as real ones',
      { VIPPS_ISSUER: 'https://APITEST.vipps.no./access/' },
      'The issuer of vipps/production is a test environment',
    ],
    ['proxies without a number', { TRUSTED_PROXIES: 'all' }, 'TRUSTED_PROXIES must be'],
    ['backups for no time', { BACKUP_RETENTION_DAYS: '0' }, 'BACKUP_RETENTION_DAYS must be'],
    ['backups for ever', { BACKUP_RETENTION_DAYS: '3651' }, 'BACKUP_RETENTION_DAYS must be'],
    ['backups for a month', { BACKUP_RETENTION_DAYS: 'P1M' }, 'BACKUP_RETENTION_DAYS must be'],
    [
      'a client key that is none',
      { PROVIDERS: providersWith({ authentication: { method: 'private_key_jwt', key: secret } }) },
      'no private JWK',
    ],
  ])('refuses %s in a sentence without the value', async (_what, changes, expected) => {
    const error = await readConfiguration({ ...environment, ...changes }).catch((cause: Error) => cause)
    expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining(expected) })
    expect((error as Error).message).toMatch(/\.$/)
    expect((error as Error).message).not.toContain(secret)
  })

  it('refuses a file that is not there', async () => {
    const { PROVIDERS: _, ...rest } = environment
    const missing = async () => Promise.reject(Object.assign(new Error(secret), { code: 'ENOENT' }))
    await expect(readConfiguration({ ...rest, PROVIDERS_FILE: 'x.json' }, missing)).rejects.toThrow(
      'PROVIDERS_FILE x.json cannot be read: ENOENT.',
    )
  })
})
