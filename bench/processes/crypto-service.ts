import { once } from 'node:events'
import { connect, createJsonLogger, createNokkelServer, createProviderRegistry, givenRootKeys } from '@nokkel/server'
import { createRequestListener, listen } from '@nokkel/server/node'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import { createServerKeys } from '../../packages/server/src/keyring/server-keys.ts'
import { createAccessTokens } from '../../packages/server/src/session/access-token.ts'
import { createSessionKeyStore } from '../../packages/server/src/session/session-keys.ts'

// The server as it runs, without rate limits: `crypto-service.ts <database URL>`. Then it is sent claims, and answers with
// their tokens. Logs are written, to nowhere.

const everyone = { address: Infinity, person: Infinity }
const classes = ['login', 'refresh', 'read', 'write', 'bytes', 'crypto', 'encrypt', 'decrypt', 'unwrap'] as const
let answer: Parameters<typeof listen>[0] = (_, response) => response.writeHead(503).end()
const { port } = await listen((request, response) => answer(request, response), { port: 0, host: 'localhost' })
const publicUrl = `http://localhost:${port}`
const database = connect(process.argv[2] ?? '')
const rootKeys = givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] })
const server = createNokkelServer({
  database,
  publicUrl,
  rootKeys,
  providers: createProviderRegistry([]),
  mode: 'development',
  limits: Object.fromEntries(classes.map((name) => [name, everyone])),
  logger: createJsonLogger(() => undefined),
})
await server.ready()
answer = await createRequestListener({ server, mode: 'development' })
const now = () => new Date()
const sessionKeys = createSessionKeyStore(
  database,
  createServerKeys(rootKeys, { database, logger: () => undefined, production: false }).keyring,
  now,
)
const tokens = createAccessTokens(`${publicUrl}/nokkel`, sessionKeys, now)
process.send?.(publicUrl)
process.once('disconnect', () => process.exit())

const [claims] = (await once(process, 'message')) as [Omit<Claims, 'role'>[]]
const issued = await Promise.all(claims.map((of) => tokens.issue(of)))
process.send?.(issued.map(({ accessToken }) => accessToken))
