import { z } from '@hono/zod-openapi'

/** In lower case, as the database writes it: ids are compared and signed as text. */
export const Uuid = z.uuid().lowercase()
export const Instant = z.iso
  .datetime({ offset: true })
  .openapi({ description: 'RFC 3339', example: '2026-11-21T09:00:00.000Z' })
export const Slug = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
export const ProviderId = z.enum(['bankid', 'vipps'])
export const Role = z.enum(['member', 'coordinator', 'administrator'])

/** The largest version, revision or sequence: an `integer` of Postgres. */
export const MAXIMUM_INTEGER = 2_147_483_647

/** Base64url without padding of `minimum` to `maximum` bytes (RFC 4648 §5). */
export const base64Url = (minimum: number, maximum: number) =>
  z
    .string()
    .min(Math.ceil((minimum * 4) / 3))
    .max(Math.ceil((maximum * 4) / 3))
    .regex(/^[A-Za-z0-9_-]*$/)

/** RFC 7638 SHA-256 thumbprint. */
export const Thumbprint = base64Url(32, 32)

/** Public key on P-256 (RFC 7517, RFC 7518 §6.2.1). Any further member is refused. */
export const PublicJwk = z
  .strictObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: base64Url(32, 32),
    y: base64Url(32, 32),
  })
  .openapi('PublicJwk')

/** A compact JWS (RFC 7515). */
export const compactJws = (maximumLength: number) =>
  z
    .string()
    .max(maximumLength)
    .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)

/** Where the next page of a list begins; absent on the last page. */
export const Cursor = z.string().max(2048)
export const pageQuery = {
  cursor: Cursor.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
}
