import { describe, expect, it } from 'vitest'
import { createMutex, createWebLock } from './lock.ts'

describe.each([
  ['createMutex', createMutex],
  ['createWebLock', createWebLock],
])('%s', (_, create) => {
  it('runs tasks of one name after each other, those of another beside them', async () => {
    const lock = create()
    const steps: string[] = []
    const task = (name: string) => async () => {
      steps.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      steps.push(`${name} ends`)
    }
    await Promise.all([lock.run('a', task('one')), lock.run('a', task('two')), lock.run('b', task('other'))])
    expect(steps.filter((step) => !step.startsWith('other'))).toEqual([
      'one begins',
      'one ends',
      'two begins',
      'two ends',
    ])
    expect(steps.indexOf('other begins')).toBeLessThan(steps.indexOf('one ends'))
  })

  it('goes on after a task that fails, and gives each its own result', async () => {
    const lock = create()
    const failing = lock.run('a', () => Promise.reject(new Error('no')))
    const next = lock.run('a', async () => 7)
    await expect(failing).rejects.toThrow('no')
    await expect(next).resolves.toBe(7)
  })
})
