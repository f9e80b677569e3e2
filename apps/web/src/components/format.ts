import * as m from '../paraglide/messages.js'
import { getLocale } from '../paraglide/runtime.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const tag = () => (getLocale() === 'nb' ? 'nb-NO' : 'en-GB')

/** When something happened, the way one would say it: minutes and hours today, then the date. */
export function formatWhen(at: Date | string, now = new Date()): string {
  const date = new Date(at)
  const ago = now.getTime() - date.getTime()
  if (ago < minute) return m.just_now()
  const relative = new Intl.RelativeTimeFormat(tag(), { numeric: 'auto' })
  if (ago < hour) return relative.format(-Math.floor(ago / minute), 'minute')
  if (ago < 12 * hour) return relative.format(-Math.floor(ago / hour), 'hour')
  return formatDateAndTime(date, now)
}

function formatDateAndTime(date: Date, now: Date): string {
  const sameYear = date.getFullYear() === now.getFullYear()
  const recent = now.getTime() - date.getTime() < 300 * day
  return new Intl.DateTimeFormat(tag(), {
    day: 'numeric',
    month: 'long',
    ...(sameYear || recent ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  }).format(date)
}

/** Full date and time, for a tooltip and for machines that read aloud. */
export const formatExact = (at: Date | string): string =>
  new Intl.DateTimeFormat(tag(), { dateStyle: 'full', timeStyle: 'short' }).format(new Date(at))

/** A moment that may be to come, such as a deadline, short enough for a list. */
export const formatMoment = (at: Date): string =>
  new Intl.DateTimeFormat(tag(), { dateStyle: 'medium', timeStyle: 'short' }).format(at)

/** A time of today. */
export const formatTime = (at: Date | string): string =>
  new Intl.DateTimeFormat(tag(), { timeStyle: 'short' }).format(new Date(at))

/** A date that may be to come. */
export const formatDate = (at: Date | string): string =>
  new Intl.DateTimeFormat(tag(), { dateStyle: 'long' }).format(new Date(at))

/** A calendar month given as `YYYY-MM`. */
export const formatMonth = (month: string): string =>
  new Intl.DateTimeFormat(tag(), { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-01T00:00:00Z`),
  )

/** A calendar day given as `YYYY-MM-DD`. */
export const formatDay = (day: string): string =>
  new Intl.DateTimeFormat(tag(), { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))

/** Digits with at most one point, the way the language writes them; every digit stays. */
export const formatNumber = (digits: string): string =>
  new Intl.NumberFormat(tag(), { maximumFractionDigits: 20 }).format(digits as Intl.StringNumericLiteral)

/** An amount of kroner given in digits. */
export const formatAmount = (digits: string): string =>
  new Intl.NumberFormat(tag(), { style: 'currency', currency: 'NOK' }).format(digits as Intl.StringNumericLiteral)

/** What somebody typed as a number, as digits with at most one point. `null` when it is not one. */
export function parseNumber(text: string, maximumFractionDigits = 20): string | null {
  const digits = text.replace(/\s/g, '').replace(',', '.')
  const [, fraction = ''] = digits.split('.')
  return /^\d+(?:\.\d+)?$/.test(digits) && fraction.length <= maximumFractionDigits ? digits : null
}

/** A size people know: `820 B`, `1,4 MB`. Decimal units, as file managers show. */
export function formatSize(byteLength: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const step = Math.min(Math.floor(Math.log10(Math.max(byteLength, 1)) / 3), units.length - 1)
  return new Intl.NumberFormat(tag(), {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(byteLength / 1000 ** step)
}

/** Whole per cent, never 100 before it is done. */
export const formatPercent = (part: number, total: number): string =>
  String(total > 0 ? Math.min(Math.floor((part / total) * 100), part < total ? 99 : 100) : 0)

export const providerName = (provider: string): string => (provider === 'bankid' ? 'BankID' : 'Vipps')

/** A name somebody else chose, without the characters that would turn it around: `exe` must not look like `pdf`. */
export const formatFileName = (name: string): string =>
  name.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
