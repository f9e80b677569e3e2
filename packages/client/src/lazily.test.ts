import { expect, it } from 'vitest'
import { lazily, lazyMethods } from './lazily.ts'

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

it('gives the methods that are named, and loads when one is called', async () => {
  let loads = 0
  const load = async () => {
    loads += 1
    return { add: (one: number, other: number) => one + other, name: () => 'calculator', hidden: () => 0 }
  }
  const service = lazyMethods(load, 'add', 'name')
  expect([Object.keys(service), loads]).toEqual([['add', 'name'], 0])
  const { add } = service
  expect([await add(1, 2), await service.name(), loads]).toEqual([3, 'calculator', 2])
})

it('rejects where the loading or the method throws', async () => {
  const throwing = lazyMethods(async () => ({ fail: () => JSON.parse('{') }), 'fail')
  await expect(throwing.fail()).rejects.toThrow(SyntaxError)
  const missing = lazyMethods(() => Promise.reject<{ fail(): void }>(new TypeError('no')), 'fail')
  await expect(missing.fail()).rejects.toThrow(TypeError)
})
