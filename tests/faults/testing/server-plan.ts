import type { Point } from './watched-database.ts'

/** At which point of a request the server kills itself, counted from 0. */
export const killHeader = 'x-kill-at'

export type ServerDatabase = { readonly url: string } | { readonly directory: string; readonly seeded?: boolean }

/** What the process of the server is told. */
export interface ServerPlan {
  readonly database: ServerDatabase
  readonly publicUrl: string
  readonly masterKey: string
  /** Which kinds of points are counted. */
  readonly points: readonly (Point | 'reply')[]
  /** Where it listens, if it is not where `publicUrl` says: one of several behind one address. */
  readonly port?: number
  /** Default 2. */
  readonly maximumConnections?: number
  /** Where it writes who was erased; default nowhere. */
  readonly erasureLedger?: string
  /** At which point of its start it kills itself, counted from 0; default at none. */
  readonly killAtStart?: number
  /** How many requests to log in an address has in a minute; default as in production. */
  readonly loginsPerMinute?: number
  readonly clients: readonly {
    readonly provider: 'bankid' | 'vipps'
    readonly organization: string
    readonly issuer: string
    readonly clientId: string
    readonly clientSecret: string
  }[]
}
