import { z } from '@hono/zod-openapi'
import { base64Url, compactJws, MAXIMUM_INTEGER, Thumbprint, Uuid } from '../scalars.ts'

export const RfxStatus = z.enum(['draft', 'in_review', 'approved', 'closed'])
export type RfxStatus = z.infer<typeof RfxStatus>
export const RfxRole = z.enum(['buyer', 'developer', 'supplier'])
export type RfxRole = z.infer<typeof RfxRole>

/** Most wraps in one revision of a manifest. */
export const MAXIMUM_WRAPS = 500
/** Largest encrypted entry or bid, bytes. */
const MAXIMUM_ENTRY_BYTES = 1_048_576

export const tags: ['RFX'] = ['RFX']
export const Version = z.int().min(1).max(MAXIMUM_INTEGER)
export const Digest = base64Url(32, 32)
export const Statement = compactJws(8192)
/** A content key or key of 32 bytes in an envelope. */
export const WrappedContentKey = base64Url(80, 80)
export const Content = base64Url(48, MAXIMUM_ENTRY_BYTES)
export const ofRfx = z.strictObject({ id: Uuid })
export const ofCompany = z.strictObject({ id: Uuid, companyId: Uuid })
export const ofUser = z.strictObject({ id: Uuid, userId: Uuid })
export const ofEntry = z.strictObject({ id: Uuid, sequence: z.coerce.number().int().min(1).max(MAXIMUM_INTEGER) })
export const ofBid = z.strictObject({ id: Uuid, bidId: Uuid })

/** The key of a group wrapped to one of its members: RSA-OAEP, 512 bytes as base64 with padding. */
export const RfxWrap = z
  .strictObject({
    owner: z.enum(['user', 'company']),
    ownerId: Uuid,
    role: RfxRole,
    keyId: Uuid,
    thumbprint: Thumbprint,
    encryptedSymmetricKey: z.string().length(684),
  })
  .openapi('RfxWrap')
export type RfxWrap = z.infer<typeof RfxWrap>

/** A revision of a manifest with the wraps it lists. docs/spec/rfx.md */
export const RfxWraps = z.strictObject({ statement: Statement, wraps: z.array(RfxWrap).min(1).max(MAXIMUM_WRAPS) })

export const EntryContent = {
  sequence: z.int().min(1).max(MAXIMUM_INTEGER),
  version: Version.openapi({ description: 'Of the key that wraps the content key.' }),
  wrappedKey: WrappedContentKey.nullable(),
  content: Content.nullable(),
  statement: Statement,
}

/** An entry as it is written; kind, object and revision stand in the statement. */
export const NewRfxEntry = z.strictObject({ ...EntryContent, blobs: z.array(Uuid).max(1) })
