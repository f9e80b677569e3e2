import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const script = fileURLToPath(new URL('migrate.ts', import.meta.url))

function migrate(url: string, ...options: string[]) {
  const env = { ...process.env, DATABASE_ADMIN_URL: url }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', script, ...options], {
    env,
    encoding: 'utf8',
  })
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

describe('npm run migrate', () => {
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

  it('says what it would do, does it, and then has nothing to do', () => {
    const pending = migrate(target.href, '--dry-run')
    expect(pending).toMatchObject({ status: 0, stderr: '' })
    expect(pending.stdout).toMatch(/^pending \d{14} platform\n/)
    expect(migrate(target.href)).toEqual({ ...pending, stdout: pending.stdout.replaceAll('pending', 'applied') })
    expect(migrate(target.href).stdout).toBe('Nothing is pending.')
    expect(migrate(target.href, '--json').stdout).toBe('[]')
  })

  it('explains itself', () => {
    expect(migrate('', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('DATABASE_ADMIN_URL') })
  })

  it('fails with a sentence, without the password', () => {
    expect(migrate('')).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Set DATABASE_ADMIN_URL .*\.$/),
    })
    expect(migrate(target.href, '--force')).toMatchObject({ status: 1, stderr: expect.stringContaining('--force') })
    const wrong = migrate('postgres://nobody:planted-secret@localhost:1/none')
    expect(wrong).toMatchObject({ status: 1, stdout: '' })
    expect(wrong.stderr).not.toContain('planted-secret')
    expect(wrong.stderr).not.toBe('')
  })
})
