import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import { z } from 'zod'
import { ServerError } from '../http/server-error.ts'

/** The last row of a page: what the list is ordered by, and the id that decides between equals. */
export interface Position {
  readonly key: string
  readonly id: string
}

// Postgres text cannot hold the character 0.
const Encoded = z.tuple([z.string().refine((key) => !key.includes('\0')), z.uuid()])

/** Opaque to callers; what is in it may change. */
export function encodeCursor({ key, id }: Position): string {
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify([key, id])))
}

/** @throws {ServerError} `request_malformed`: not a cursor this server gave out. */
export function decodeCursor(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined
  try {
    const [key, id] = Encoded.parse(JSON.parse(new TextDecoder().decode(decodeBase64Url(cursor))))
    return { key, id }
  } catch (cause) {
    throw new ServerError('request_malformed', { detail: 'cursor', cause })
  }
}

/** Splits one row more than asked for into a page and where the next one begins. */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => Position,
): { readonly rows: readonly Row[]; readonly nextCursor?: string } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return rows.length > limit && last ? { rows: page, nextCursor: encodeCursor(position(last)) } : { rows: page }
}
