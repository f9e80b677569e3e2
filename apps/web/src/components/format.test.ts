import { describe, expect, it } from 'vitest'
import {
  formatAmount,
  formatFileName,
  formatNumber,
  formatPercent,
  formatSize,
  formatWhen,
  parseNumber,
} from './format.ts'

const now = new Date('2026-11-21T12:00:00Z')
const ago = (seconds: number) => formatWhen(new Date(now.getTime() - seconds * 1000), now)

describe('formatWhen', () => {
  it.each([
    [0, 'akkurat nå'],
    [59, 'akkurat nå'],
    [60, 'for 1 minutt siden'],
    [59 * 60, 'for 59 minutter siden'],
    [3600, 'for 1 time siden'],
  ])('%d seconds ago', (seconds, text) => expect(ago(seconds)).toBe(text))

  it('gives the date after half a day', () => expect(ago(12 * 3600)).toMatch(/21\. november/))
  it('gives the year when it is another one', () => expect(ago(400 * 86_400)).toMatch(/2025/))
  // A clock that is behind must not say "in two minutes".
  it('takes the future for now', () => expect(ago(-120)).toBe('akkurat nå'))
})

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1_430_220, '1,4 MB'],
    [4_294_967_296, '4,3 GB'],
  ])('%d bytes', (byteLength, text) => expect(formatSize(byteLength).replace(/\s/g, ' ')).toBe(text))
})

describe('formatPercent', () => {
  it.each([
    [0, 0, '0'],
    [1, 3, '33'],
    [999, 1000, '99'],
    [1000, 1000, '100'],
  ])('%d of %d', (part, total, text) => expect(formatPercent(part, total)).toBe(text))
})

describe('numbers', () => {
  it.each([
    ['1 250 000,50', '1250000.50'],
    ['98000', '98000'],
    ['0.5', '0.5'],
    ['1,234', null],
    ['mye', null],
    ['1.2.3', null],
    ['-1', null],
    ['', null],
  ])('%j as an amount', (text, digits) => expect(parseNumber(text, 2)).toBe(digits))

  // A number of JavaScript would round both.
  it('keep every digit', () => {
    expect(formatAmount('12345678901234567.89').replace(/\s/g, ' ')).toBe('12 345 678 901 234 567,89 kr')
    expect(formatNumber('0.12345678901234567')).toBe('0,12345678901234567')
  })
})

describe('formatFileName', () => {
  it('shows every character in the order it stands', () => {
    expect(formatFileName('faktura\u202efdp.exe')).toBe('faktura\ufffdfdp.exe')
    expect(formatFileName('\u2067a\u2069\0\n.txt')).toBe('\ufffda\ufffd\ufffd\ufffd.txt')
    expect(formatFileName('Årsmøte 👩‍👧.pdf')).toBe('Årsmøte 👩‍👧.pdf')
  })
})
