import { describe, expect, it } from 'vitest'
import { nokkel } from './testing/transcript.ts'

describe('nokkel', () => {
  it('lists its commands', async () => {
    const { status, stdout, stderr } = await nokkel(['--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ {2}migrate +apply /m)
    expect(stdout).toMatch(/^ {2}doctor +find /m)
  })

  it('called with nothing says how it is called', async () => {
    expect(await nokkel([])).toMatchObject({ status: 2, stdout: expect.stringContaining('nokkel <command>') })
  })

  it.each([[['keyring', 'generate']], [['keyring', 'generate', '--json']]])(
    '%j says when nobody reads it',
    async (words) => {
      const stderr = 'What was printed has reached nobody: standard output is closed.'
      expect(await nokkel(words, { unread: true })).toEqual({ status: 1, stdout: '', stderr })
    },
  )

  it.each([['destroy'], ['toString'], ['keyring nothing']])('knows no command %s', async (name) => {
    const { status, stderr } = await nokkel(name.split(' '))
    expect(status).toBe(2)
    expect(stderr).toMatch(/^There is no command ".*"; nokkel --help lists them\.$/)
  })
})
