import { expect, it } from 'vitest'
import { createBackoff } from './backoff.ts'

it('waits twice as long after each failure, to 15 minutes, each name by itself', () => {
  let seconds = 0
  const backoff = createBackoff(() => new Date(seconds * 1000))
  expect(backoff.isDue('a')).toBe(true)
  for (const wait of [30, 60, 120, 240, 480, 900, 900]) {
    backoff.failed('a')
    seconds += wait - 1
    expect(backoff.isDue('a')).toBe(false)
    expect(backoff.isDue('b')).toBe(true)
    seconds += 1
    expect(backoff.isDue('a')).toBe(true)
  }
  backoff.succeeded('a')
  backoff.failed('a')
  seconds += 30
  expect(backoff.isDue('a')).toBe(true)
})

it('is over when somebody asks', () => {
  const backoff = createBackoff(() => new Date(0))
  backoff.failed('a')
  backoff.reset()
  expect(backoff.isDue('a')).toBe(true)
})
