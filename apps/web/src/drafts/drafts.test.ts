import { beforeEach, describe, expect, it } from 'vitest'
import { draftAt, followPerson, forgetDraft, putAside } from './drafts.ts'

describe('drafts', () => {
  beforeEach(() => followPerson(undefined))

  it('are there for the same person at the same place until they are taken', () => {
    putAside('kari', '/send', { title: 'Hei' })
    followPerson('kari')
    expect(draftAt('kari', '/send')).toEqual({ title: 'Hei' })
    expect(draftAt('kari', '/rfx')).toBeUndefined()
    forgetDraft('/send')
    expect(draftAt('kari', '/send')).toBeUndefined()
  })

  it('are gone when another person writes or logs in, and when nobody is logged in', () => {
    const followed = [() => followPerson('ola'), () => followPerson(undefined), () => putAside('ola', '/rfx', 'mine')]
    for (const follow of followed) {
      putAside('kari', '/send', 'hers')
      follow()
      expect(draftAt('ola', '/send')).toBeUndefined()
      expect(draftAt('kari', '/send')).toBeUndefined()
      followPerson('kari')
      expect(draftAt('kari', '/send')).toBeUndefined()
    }
  })

  it('are nobody’s for who is not known', () => {
    putAside('kari', '/send', 'hers')
    expect(draftAt(undefined, '/send')).toBeUndefined()
    expect(draftAt('ola', '/send')).toBeUndefined()
    expect(draftAt('kari', '/send')).toBe('hers')
  })
})
