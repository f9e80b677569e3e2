import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { nokkel } from '../testing/transcript.ts'

const migrate = (url: string, ...options: string[]) =>
  nokkel(['migrate', ...options], { env: { DATABASE_ADMIN_URL: url } })

describe('nokkel migrate', () => {
  const admin = inject('postgresUrl')
  const name = `nokkel_command_${randomBytes(6).toString('hex')}`
  const target = new URL(admin)
  target.pathname = `/${name}`
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
  beforeAll(() => run(`create database ${name}`))
  afterAll(() => run(`drop database if exists ${name} with (force)`))

  it('says what it would do, does it, and then has nothing to do', async () => {
    const pending = await migrate(target.href, '--dry-run')
    expect(pending).toMatchObject({ status: 0, stderr: '' })
    expect(pending.stdout).toMatch(/^pending \d{14} platform\n/)
    expect(await migrate(target.href)).toEqual({ ...pending, stdout: pending.stdout.replaceAll('pending', 'applied') })
    expect((await migrate(target.href)).stdout).toBe('Nothing is pending.')
    expect((await migrate(target.href, '--json')).stdout).toBe('[]')
  })

  it('explains itself', async () => {
    expect(await migrate('', '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('DATABASE_ADMIN_URL'),
    })
  })

  it('fails with a sentence, without the password', async () => {
    expect(await migrate('')).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Set DATABASE_ADMIN_URL .*\.$/),
    })
    expect(await migrate(target.href, '--force')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--force'),
    })
    const wrong = await migrate('postgres://nobody:planted-secret@localhost:1/none')
    expect(wrong).toMatchObject({ status: 1, stdout: '' })
    expect(wrong.stderr).not.toContain('planted-secret')
    expect(wrong.stderr).not.toBe('')
  })
})
