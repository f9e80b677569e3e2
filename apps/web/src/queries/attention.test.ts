import { focusManager } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchAttention } from './attention.ts'

describe('fetching again and again', () => {
  let page: EventTarget & { visibilityState: string }
  let stop: () => void
  beforeEach(() => {
    vi.useFakeTimers()
    page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    vi.stubGlobal('document', page)
    stop = watchAttention()
  })
  afterEach(() => {
    stop()
    focusManager.setFocused(undefined)
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })
  const minutes = (count: number) => vi.advanceTimersByTime(count * 60_000)

  it('stops ten minutes after the page was last used, and goes on when it is', () => {
    minutes(9)
    expect(focusManager.isFocused()).toBe(true)
    page.dispatchEvent(new Event('keydown'))
    minutes(9)
    expect(focusManager.isFocused()).toBe(true)
    minutes(1)
    expect(focusManager.isFocused()).toBe(false)
    for (const sign of ['pointerdown', 'wheel', 'touchmove', 'visibilitychange']) {
      page.dispatchEvent(new Event(sign))
      expect(focusManager.isFocused()).toBe(true)
      minutes(10)
      expect(focusManager.isFocused()).toBe(false)
    }
  })

  it('stops at once where the page is not seen, and is not begun there', () => {
    page.visibilityState = 'hidden'
    page.dispatchEvent(new Event('visibilitychange'))
    expect(focusManager.isFocused()).toBe(false)
    page.dispatchEvent(new Event('keydown'))
    expect(focusManager.isFocused()).toBe(false)
  })
})
