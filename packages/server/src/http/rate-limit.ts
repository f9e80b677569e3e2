import type { Operation } from '@nokkel/contract'

/** Requests that are counted together. */
export type RateClass = 'login' | 'refresh' | 'read' | 'write' | 'bytes' | 'crypto'

/** Items of requests that are counted together, beside the requests. */
export type ItemClass = 'encrypt' | 'decrypt' | 'unwrap'

/** Requests or items per minute; `address` counts a client address, `person` a logged-in person. `Infinity` switches one off. */
export type RateLimits = Readonly<Record<RateClass | ItemClass, { readonly address: number; readonly person: number }>>

export const defaultRateLimits: RateLimits = {
  login: { address: 60, person: 20 },
  refresh: { address: 120, person: Infinity },
  read: { address: 6000, person: 1200 },
  write: { address: 3000, person: 600 },
  bytes: { address: 12_000, person: 6000 },
  crypto: { address: 12_000, person: 3000 },
  encrypt: { address: 600, person: 200 },
  decrypt: { address: 60_000, person: 6000 },
  unwrap: { address: 60_000, person: 6000 },
}

export function rateClass(operation: Operation): RateClass {
  if (/^\/nokkel\/session\/(?:refresh$|end$|unlock)/.test(operation.path)) return 'refresh'
  if (operation.path.startsWith('/nokkel/login') || operation.path === '/nokkel/unseal') return 'login'
  if (operation.path.startsWith('/nokkel/me/logins') && operation.method === 'post') return 'login'
  // Nobody types a number often, and each is opened by a private key.
  if (operation.path === '/nokkel/me/personnummer' && operation.method === 'put') return 'login'
  // Goes through every table.
  if (operation.path === '/nokkel/me/export' || operation.path === '/nokkel/me/erasure') return 'login'
  // Each asks a provider, with the credentials of the organisation.
  if (operation.path === '/nokkel/organization/vipps/check') return 'login'
  if (operation.path.includes('/chunks/')) return 'bytes'
  if (operation.path === '/crypto-service') return 'crypto'
  // A merge that is not kept.
  if (operation.path.endsWith('/preview')) return 'write'
  return operation.method === 'get' ? 'read' : 'write'
}

/**
 * Counts requests or items of `subject`, one by default: all of them or none.
 *
 * @throws {ServerError} `rate_limited`, with the seconds to wait; `unavailable`, when they cannot be counted.
 */
export type RateLimiter = (subject: string, limit: number, count?: number) => Promise<void>
