import { afterEach, expect, it, vi } from 'vitest'
import { browserUrlLauncher, memoryUrlLauncher } from './url-launcher.ts'

afterEach(() => vi.unstubAllGlobals())

const url = new URL('https://login.example.no/authorize')

it('leaves the page', async () => {
  const assign = vi.fn()
  vi.stubGlobal('location', { assign })
  await browserUrlLauncher.launch(url)
  expect(assign.mock.calls).toEqual([[url]])
})

it('stays after all', () => {
  const stop = vi.fn()
  vi.stubGlobal('window', { stop })
  browserUrlLauncher.cancel?.()
  expect(stop).toHaveBeenCalledOnce()
})

it('remembers in Node where it should have gone', async () => {
  const launcher = memoryUrlLauncher()
  await launcher.launch(url)
  expect(launcher.launched).toEqual([url])
})
