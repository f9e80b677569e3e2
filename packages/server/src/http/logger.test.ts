import { describe, expect, it } from 'vitest'
import { createJsonLogger, describeFailure, type LogEntry } from './logger.ts'

describe('logger', () => {
  it('writes one line of the known fields only', () => {
    const lines: string[] = []
    const entry = { level: 'info', event: 'request', status: 200, token: 'secret', query: 'secret' } as LogEntry
    createJsonLogger(
      (line) => lines.push(line),
      () => new Date(0),
    )(entry)
    expect(lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"request","status":200}'])
  })

  it('describes a failure without its message', () => {
    const cause = Object.assign(new Error('Key (personnummer)=(secret) exists'), { code: '23505', detail: 'secret' })
    const failure = describeFailure(new TypeError('secret', { cause }))
    expect(failure).toMatchObject({ name: 'TypeError < Error', code: '23505' })
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  it('keeps a message of several lines out of the frames', () => {
    expect(JSON.stringify(describeFailure(new Error('first\nsecret')))).not.toContain('secret')
  })
})
