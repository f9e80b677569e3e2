import { expect, it } from 'vitest'
import { lazily } from './lazily.ts'

it('loads once, and again after a failure', async () => {
  let attempts = 0
  const load = lazily(async () => {
    attempts += 1
    if (attempts === 1) throw new TypeError('Failed to fetch dynamically imported module')
    return attempts
  })
  await expect(load()).rejects.toMatchObject({ code: 'network_unreachable' })
  expect([await load(), await load()]).toEqual([2, 2])
})
