import { getRequestListener } from '@hono/node-server'
import { listen } from '@nokkel/server/node'
import { Hono } from 'hono'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import pg from 'pg'

// The least that could answer: Hono, the token checked by jose, one SELECT: `bare.ts <database URL> <JWKS URL>`.

const [, , databaseUrl = '', jwksUrl = ''] = process.argv
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
const keys = createRemoteJWKSet(new URL(jwksUrl))
const app = new Hono()
app.get('*', async (context) => {
  const token = context.req.header('authorization')?.slice('Bearer '.length) ?? ''
  await jwtVerify(token, keys, { algorithms: ['ES256'], audience: 'authenticated' })
  const { rows } = await pool.query('select id, slug, name from nokkel.organizations()')
  return context.json({ rows })
})
const { port } = await listen(getRequestListener(app.fetch), { port: 0, host: 'localhost' })
process.send?.(`http://localhost:${port}`)
process.once('disconnect', () => process.exit())
