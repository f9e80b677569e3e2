import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { nokkel } from '../testing/transcript.ts'

describe('nokkel identity-key', { timeout: 120_000 }, () => {
  const keys = {
    MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    INDEX_KEY: randomBytes(32).toString('hex'),
  }
  let database: TestDatabase
  let env: Record<string, string>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    env = { ...keys, DATABASE_URL: database.url ?? '' }
  })
  afterAll(() => database.close())
  const status = (...options: string[]) =>
    nokkel(['identity-key', 'status', ...options], { env: { DATABASE_URL: env.DATABASE_URL ?? '' } })

  it('is shown, replaced, and opens for an hour after that', async () => {
    expect(await status()).toEqual({
      status: 0,
      stdout: 'There is no identity key yet; a server makes it when it is first needed.',
      stderr: '',
    })
    const first = await nokkel(['identity-key', 'rotate'], { env })
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout).toMatch(/^Made the identity key [\w-]{43}\.$/)
    const second = await nokkel(['identity-key', 'rotate', '--json'], { env })
    const { kid } = JSON.parse(second.stdout)
    const shown = JSON.parse((await status('--json')).stdout)
    expect(shown).toEqual({
      keys: [
        { kid, createdAt: expect.any(String), replacedAt: null },
        { kid: first.stdout.slice(22, -1), createdAt: expect.any(String), replacedAt: expect.any(String) },
      ],
    })
    expect((await status()).stdout).toMatch(
      /^[\w-]{43} {3}since \S+Z {3}given out\n[\w-]{43} {3}since \S+Z {3}replaced \S+Z$/,
    )
    await sql`update nokkel.identity_key set replaced_at = now() - interval '1 hour' where replaced_at is not null`.execute(
      database.owner,
    )
    expect(JSON.parse((await status('--json')).stdout).keys).toHaveLength(1)
  })

  it('is not replaced with other root keys, or without any', async () => {
    const before = (await status('--json')).stdout
    const other = { ...env, MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    const refused = await nokkel(['identity-key', 'rotate'], { env: other })
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('The master key is not the one')
    for (const secret of Object.values(other).slice(0, 2)) expect(refused.stderr).not.toContain(secret)
    const without = await nokkel(['identity-key', 'rotate'], { env: { DATABASE_URL: env.DATABASE_URL ?? '' } })
    expect(without).toMatchObject({ status: 1, stderr: expect.stringContaining('There are no root keys') })
    expect((await status('--json')).stdout).toBe(before)
  })

  it('says how it is called', async () => {
    for (const verb of ['rotate', 'status']) {
      const help = await nokkel(['identity-key', verb, '--help'])
      expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining(`nokkel identity-key ${verb} [--data`) })
    }
    expect((await nokkel(['identity-key', 'status', 'x'])).status).toBe(2)
  })
})
