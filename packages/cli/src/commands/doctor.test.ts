import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nokkel } from '../testing/transcript.ts'

describe('nokkel doctor', () => {
  let directory: string
  const secret = randomBytes(32).toString('hex')
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-doctor-'))
    for (const folder of ['clean', 'leaking', 'empty']) mkdirSync(join(directory, folder))
    writeFileSync(join(directory, 'clean/index.html'), '<p>Hei</p>')
    writeFileSync(join(directory, 'leaking/index.js'), `const a = 1\nconst key = '${secret}'\n`)
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const scan = (folder: string, ...options: string[]) =>
    nokkel(['doctor', '--bundle', join(directory, folder), ...options], { env: { MASTER_ENCRYPTION_KEY: secret } })

  it('finds nothing', async () => {
    expect(await scan('clean')).toEqual({ status: 0, stdout: 'Nothing found in 1 texts.', stderr: '' })
  })

  it('finds the master key, and does not print it', async () => {
    const { status, stdout, stderr } = await scan('leaking')
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: [
        'index.js:2:14  environment_value  the value of MASTER_ENCRYPTION_KEY',
        '    the value of a secret of this environment',
        '1 found in 1 texts.',
      ].join('\n'),
      stderr: '',
    })
    const { status: again, stdout: json } = await scan('leaking', '--json')
    expect(again).toBe(1)
    expect(JSON.parse(json)).toMatchObject({ texts: 1, findings: [{ file: 'index.js', line: 2, column: 14 }] })
    expect(json).not.toContain(secret.slice(0, 8))
  })

  it('passes nothing that it did not read', async () => {
    const none = { status: 1, stdout: '', stderr: expect.stringMatching(/build the application first\.$/) }
    expect(await scan('empty')).toEqual(none)
    expect(await scan('missing')).toEqual(none)
    expect(await nokkel(['doctor'])).toEqual({
      status: 2,
      stdout: '',
      stderr: '--bundle is missing. --help says more.',
    })
  })
})
