import { AsyncLocalStorage } from 'node:async_hooks'
import { connect, createNokkelServer, createProviderRegistry, type Database, givenRootKeys } from '@nokkel/server'
import { fileErasureLedger, openEmbeddedDatabase, serve } from '@nokkel/server/node'
import { readMigrations } from '../../../tools/testing/migrations.ts'
import { useFixedRsaKeys } from './fixed-rsa-keys.ts'
import { readSeed } from './seed.ts'
import { killHeader, type ServerPlan } from './server-plan.ts'
import { type Point, watchDatabase } from './watched-database.ts'

const classes = ['login', 'refresh', 'read', 'write', 'bytes', 'crypto', 'encrypt', 'decrypt', 'unwrap']

// A server that kills itself: the header says at which of the points a request passes, counted from 0.

const current = new AsyncLocalStorage<{ left: number }>()

function createReach(points: readonly string[]) {
  return (point: Point | 'reply'): void => {
    const request = current.getStore()
    if (request && points.includes(point) && request.left-- === 0) process.kill(process.pid, 'SIGKILL')
  }
}

async function openDatabase(plan: ServerPlan): Promise<Database> {
  if ('url' in plan.database) return connect(plan.database.url, { maximumConnections: plan.maximumConnections ?? 2 })
  const { migrations } = readMigrations()
  const { directory, seeded } = plan.database
  const embedded = await openEmbeddedDatabase({ directory, migrations, ...(seeded ? {} : { seed: readSeed() }) })
  return embedded.database
}

async function open(plan: ServerPlan): Promise<void> {
  const { clients, publicUrl, masterKey, port = Number(new URL(publicUrl).port), loginsPerMinute } = plan
  const reach = createReach(plan.points)
  const server = createNokkelServer({
    database: watchDatabase(await openDatabase(plan), reach),
    publicUrl,
    rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKeys: ['09'.repeat(32)] }),
    providers: createProviderRegistry(
      clients.map(({ clientSecret: secret, ...client }) => ({
        ...client,
        authentication: { method: 'client_secret_basic', secret },
        personnummer: true,
      })),
    ),
    ...(plan.erasureLedger !== undefined && { erasureLedger: fileErasureLedger(plan.erasureLedger) }),
    mode: 'development',
    // Counting is a statement of its own, whose moments are not those to end a process at.
    limits: {
      ...Object.fromEntries(classes.map((name) => [name, { address: Infinity, person: Infinity }])),
      ...(loginsPerMinute !== undefined && { login: { address: loginsPerMinute, person: loginsPerMinute } }),
    },
    logger: (entry) => entry.level === 'error' && console.error(JSON.stringify(entry)),
  })
  // What it does at its start is done by whoever waits for it first.
  await current.run({ left: plan.killAtStart ?? Infinity }, () => server.ready())
  await serve({
    server: {
      ...server,
      fetch: (request, environment) =>
        current.run({ left: Number(request.headers.get(killHeader) ?? Infinity) }, async () => {
          const answer = await server.fetch(request, environment)
          // A client must not take a connection to a dead process for a live one.
          answer.headers.set('connection', 'close')
          reach('reply')
          return answer
        }),
    },
    mode: 'development',
    port,
    host: 'localhost',
  })
  process.send?.('open')
}

useFixedRsaKeys()
process.once('message', (plan: ServerPlan) => void open(plan))
process.once('disconnect', () => process.exit())
