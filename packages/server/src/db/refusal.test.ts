import { describe, expect, it } from 'vitest'
import { ServerError } from '../http/server-error.ts'
import { toServerError } from './refusal.ts'

describe('refusal', () => {
  const failure = (code: string, message = 'secret', detail = '') => Object.assign(new Error(message), { code, detail })

  it.each([
    [failure('NK001', 'login_too_old'), 'login_too_old'],
    [failure('NK001', 'unheard_of'), 'server_failed'],
    [failure('NK001', 'toString'), 'server_failed'],
    [failure('42501'), 'forbidden'],
    [failure('23505'), 'conflict'],
    [failure('23503'), 'server_failed'],
    [failure('08006'), 'unavailable'],
    [failure('57P01'), 'unavailable'],
    [failure('53300'), 'unavailable'],
    [failure('ECONNREFUSED'), 'unavailable'],
    [new Error('Connection terminated unexpectedly'), 'unavailable'],
    [new Error('secret'), 'server_failed'],
    ['secret', 'server_failed'],
  ])('%j is told as %s', (cause, code) => {
    const error = toServerError(cause)
    expect(error).toMatchObject({ code, cause })
    expect(error.message).not.toContain('secret')
  })

  it('takes the data along', () => {
    const error = toServerError(failure('NK001', 'device_exists', '{"devices":[]}'))
    expect(error.data).toEqual({ devices: [] })
  })

  it('leaves a refusal of our own as it is', () => {
    const error = new ServerError('not_found')
    expect(toServerError(error)).toBe(error)
  })
})
