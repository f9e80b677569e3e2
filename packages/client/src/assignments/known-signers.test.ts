import type { Thumbprint } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { knownSigners, rememberSigner } from './known-signers.ts'

describe('known signers', () => {
  it('are remembered for one person, by sender, each once, also when several come at once', async () => {
    const storage = memoryStorage()
    const lock = createMutex()
    const remember = (sender: string, thumbprint: string) => {
      return rememberSigner({ storage, lock }, 'kari', sender, thumbprint as Thumbprint)
    }
    const isNew = await Promise.all([remember('ingrid', 'a'), remember('ingrid', 'b'), remember('ola', 'c')])
    expect(isNew).toEqual([true, true, true])
    expect(await remember('ingrid', 'a')).toBe(false)
    expect(await knownSigners(storage, 'kari', 'ingrid')).toEqual(['a', 'b'])
    expect(await knownSigners(storage, 'kari', 'ola')).toEqual(['c'])
    expect(await knownSigners(storage, 'ola', 'ingrid')).toEqual([])
  })
})
