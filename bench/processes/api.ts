import { applyOrganizations, connect, createJsonLogger, createNokkelServer, givenRootKeys } from '@nokkel/server'
import { createRequestListener, listen } from '@nokkel/server/node'
import { createProviders } from '../../tools/development/providers.ts'

// The server as it runs, without rate limits: `api.ts <database URL>`. Logs are written, to nowhere.

const everyone = { address: Infinity, person: Infinity }
let answer: Parameters<typeof listen>[0] = (_, response) => response.writeHead(503).end()
const { port } = await listen((request, response) => answer(request, response), { port: 0, host: 'localhost' })
const publicUrl = `http://localhost:${port}`
const { sandbox, providers, vippsIssuers, organizations } = createProviders(publicUrl)
const rootKeys = () => givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] })
const database = connect(process.argv[2] ?? '')
const server = createNokkelServer({
  database,
  publicUrl,
  rootKeys: rootKeys(),
  providers,
  vippsIssuers,
  mode: 'development',
  limits: { login: everyone, refresh: everyone, read: everyone, write: everyone, bytes: everyone },
  logger: createJsonLogger(() => undefined),
})
await server.ready()
await applyOrganizations({ database, rootKeys: rootKeys(), organizations, mode: 'development' })
const respond = await createRequestListener({ server, mode: 'development' })
answer = (request, response) => sandbox.handle(request, response) || respond(request, response)
process.send?.(publicUrl)
process.once('disconnect', () => process.exit())
