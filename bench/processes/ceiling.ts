import { createDecipheriv } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { listen } from '@nokkel/server/node'
import { Hono } from 'hono'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import pg from 'pg'

// The most a server could do that neither asks whose key it is nor records who asked: Hono, the token checked once and
// remembered, one SELECT, AES-256-GCM with a key in memory. `ceiling.ts <database URL> <JWKS URL> <private key, base64>`.

const [, , databaseUrl = '', jwksUrl = '', privateKey = ''] = process.argv
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
const keys = createRemoteJWKSet(new URL(jwksUrl))
const subjects = new Map<string, string>()

const key = Buffer.alloc(32, 7)
const { subtle } = globalThis.crypto
const nonce = Buffer.alloc(12, 1)
const sealing = await subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
const sealed = Buffer.from(
  await subtle.encrypt({ name: 'AES-GCM', iv: nonce }, sealing, Buffer.from(privateKey, 'base64')),
)

async function subjectOf(token: string): Promise<string> {
  const known = subjects.get(token)
  if (known !== undefined) return known
  const { payload } = await jwtVerify(token, keys, { algorithms: ['ES256'], audience: 'authenticated' })
  const subject = payload.sub ?? ''
  await pool.query('insert into bench_key values ($1, $2) on conflict do nothing', [subject, sealed])
  subjects.set(token, subject)
  return subject
}

const app = new Hono()
app.post('*', async (context) => {
  const subject = await subjectOf(context.req.header('authorization')?.slice('Bearer '.length) ?? '')
  const { iv } = await context.req.json<{ iv: string }>()
  if (typeof iv !== 'string') return context.json({}, 400)
  const { rows } = await pool.query({
    name: 'key',
    text: 'select data from bench_key where user_id = $1',
    values: [subject],
  })
  const data = rows[0]?.data as Buffer
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(data.subarray(-16))
  const text = Buffer.concat([decipher.update(data.subarray(0, -16)), decipher.final()])
  return context.json({ text: text.toString('base64') })
})
const { port } = await listen(getRequestListener(app.fetch), { port: 0, host: 'localhost' })
process.send?.(`http://localhost:${port}`)
process.once('disconnect', () => process.exit())
