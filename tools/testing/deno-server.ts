// The portable entry in Deno, as an edge function would use it; see `deno-server.test.ts`.
import { createNokkelServer, createProviderRegistry, givenRootKeys } from '@nokkel/server'

const server = createNokkelServer({
  database: process.env['DATABASE_URL'] ?? '',
  publicUrl: 'http://localhost:3000',
  rootKeys: givenRootKeys({ masterKeys: ['0123456789abcdef'.repeat(4)], indexKeys: ['00'.repeat(32)] }),
  providers: createProviderRegistry([]),
  mode: 'development',
  logger: () => undefined,
})
await server.ready()

const answers: Record<string, unknown> = { runtime: Reflect.has(globalThis, 'Deno') ? 'deno' : 'other' }
for (const path of ['health', 'ready', 'organizations', '.well-known/jwks.json', 'me', 'nowhere']) {
  const response = await server.fetch(new Request(`http://localhost:3000/nokkel/${path}`))
  answers[path] = { status: response.status, body: await response.json() }
}
await server.close()
console.log(JSON.stringify(answers))
