import type { Operation } from '@nokkel/contract'
import {
  createNokkelServer,
  createProviderRegistry,
  givenRootKeys,
  type NokkelServer,
  type NokkelServerOptions,
} from '@nokkel/server'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import type { Keyring } from '../../packages/server/src/keyring/keyring.ts'
import { createServerKeys } from '../../packages/server/src/keyring/server-keys.ts'
import { createAccessTokens } from '../../packages/server/src/session/access-token.ts'
import { createSessionKeyStore } from '../../packages/server/src/session/session-keys.ts'
import type { TestDatabase } from './database.ts'
import { appOrigins } from './login.ts'

const publicUrl = 'http://localhost:3000'

interface ApiCall {
  readonly params?: Record<string, string | number>
  readonly query?: Record<string, string>
  readonly body?: unknown
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly headers?: Record<string, string>
}

interface ApiAnswer {
  readonly status: number
  /** The problem code of a refusal. */
  readonly code?: string
  readonly data?: unknown
  // biome-ignore lint/suspicious/noExplicitAny: parsed by the schema of the operation
  readonly body: any
}

/** The whole server over a test database, called as people whose sessions stand there. */
export interface TestApi {
  readonly server: NokkelServer
  /** Calls an operation as somebody; what it answers with success must be what the contract says. */
  call(operation: Operation, claims: Claims | undefined, call?: ApiCall): Promise<ApiAnswer>
  /** Under the same master key. */
  readonly keyring: Keyring
  close(): Promise<void>
}

export async function createTestApi(
  database: TestDatabase,
  options: Partial<NokkelServerOptions> = {},
): Promise<TestApi> {
  const now = () => new Date()
  const rootKeys = givenRootKeys({ masterKeys: ['0123456789abcdef'.repeat(4)], indexKeys: ['00'.repeat(32)] })
  const server = createNokkelServer({
    database: database.server,
    publicUrl,
    rootKeys,
    providers: createProviderRegistry([]),
    appOrigins,
    mode: 'development',
    logger: () => undefined,
    ...options,
  })
  await server.ready()
  const { keyring } = createServerKeys(rootKeys, {
    database: database.server,
    logger: () => undefined,
    production: false,
  })
  const tokens = createAccessTokens(`${publicUrl}/nokkel`, createSessionKeyStore(database.server, keyring, now), now)
  return {
    server,
    keyring,
    async call(operation, claims, { params = {}, query = {}, body, bytes, headers = {} } = {}) {
      const path = String(operation.path).replace(/\{(\w+)\}/g, (_placeholder, name: string) => String(params[name]))
      const type = bytes ? 'application/octet-stream' : body === undefined ? undefined : 'application/json'
      const response = await server.fetch(
        new Request(`${publicUrl}${path}?${new URLSearchParams(query)}`, {
          method: operation.method.toUpperCase(),
          headers: {
            ...(claims && { authorization: `Bearer ${(await tokens.issue(claims)).accessToken}` }),
            ...(type && { 'content-type': type }),
            ...headers,
          },
          body: bytes ?? (body === undefined ? null : JSON.stringify(body)),
        }),
      )
      const { status } = response
      if (!response.ok) {
        const { code, data } = await response.json()
        return { status, code, data, body: undefined }
      }
      const expected = (operation.schemas.responses as Record<number, unknown>)[status]
      if (expected === null) return { status, body: await response.text() }
      if (expected === 'bytes') return { status, body: new Uint8Array(await response.arrayBuffer()) }
      return { status, body: (expected as { parse(value: unknown): unknown }).parse(await response.json()) }
    },
    close: () => server.close(),
  }
}
