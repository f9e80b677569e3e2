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
  readonly clients: readonly {
    readonly organization: string
    readonly issuer: string
    readonly clientId: string
    readonly clientSecret: string
  }[]
}
