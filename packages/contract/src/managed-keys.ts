import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { Instant, Thumbprint, Uuid } from './scalars.ts'

const ManagedKeyState = z.enum(['active', 'superseded', 'revoked', 'destroyed'])

const managedKey = {
  id: Uuid,
  state: ManagedKeyState,
  publicKey: z.string().openapi({ description: 'SubjectPublicKeyInfo, DER in base64.' }),
  thumbprint: Thumbprint,
  createdAt: Instant,
  supersededAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
  destroyedAt: Instant.nullable(),
  wraps: z.int().openapi({ description: 'RFX key versions that are wrapped to this key.' }),
}

/** A key of the person. */
export const UserKey = z
  .strictObject({
    ...managedKey,
    encryptedPrivateKey: z
      .strictObject({ data: z.string(), iv: z.string(), v: z.literal(1), kid: z.string() })
      .nullable()
      .openapi({ description: '`data` and `iv` are what /crypto-service decrypts; null once destroyed.' }),
  })
  .openapi('UserKey')
export type UserKey = z.infer<typeof UserKey>

/** A key of a company. Its private half never leaves the server. */
export const CompanyKey = z.strictObject(managedKey).openapi('CompanyKey')
export type CompanyKey = z.infer<typeof CompanyKey>

/** One page of moving wraps from an old key to the active one of its owner. */
export const Rewrap = z
  .strictObject({
    rewrapped: z.int(),
    remaining: z
      .int()
      .openapi({ description: 'Wraps to the old key that were not tried yet; 0 when the job is done.' }),
    failed: z
      .array(z.strictObject({ rfxId: Uuid, version: z.int(), code: z.string() }))
      .openapi({ description: 'Wraps that did not open; they stay as they are and hold nothing up.' }),
    cursor: z.string().optional().openapi({ description: 'Where to go on; absent when the job is done.' }),
  })
  .openapi('Rewrap')
export type Rewrap = z.infer<typeof Rewrap>

const ofKey = z.strictObject({ id: Uuid })
const ofCompanyKey = z.strictObject({ companyId: Uuid, id: Uuid })
const page = z.strictObject({ cursor: z.string().max(200).optional() })
const replaces = Uuid.optional().openapi({ description: 'The active key, which this one supersedes.' })
const tags: ['Managed keys'] = ['Managed keys']

export const listUserKeys = operation({
  method: 'get',
  path: '/nokkel/keys',
  tags,
  summary: 'The managed keys of the person, newest first, destroyed ones included',
  responses: { 200: z.strictObject({ keys: z.array(UserKey) }) },
})

export const generateUserKeys = operation({
  method: 'post',
  path: '/generate-user-keys',
  tags,
  summary: 'Make a key for the person on the server, where a browser cannot',
  request: { body: z.strictObject({ replaces }) },
  responses: { 201: UserKey },
})

export const revokeUserKey = operation({
  method: 'post',
  path: '/nokkel/keys/{id}/compromised',
  tags,
  summary: 'Mark a key as compromised, and with it every RFX key version it could open',
  request: { params: ofKey },
  responses: { 200: z.strictObject({ compromisedVersions: z.int() }) },
})

export const rewrapUserKey = operation({
  method: 'post',
  path: '/nokkel/keys/{id}/rewraps',
  tags,
  summary: 'Move the next wraps of an old key to the active one',
  request: { params: ofKey, body: page },
  responses: { 200: Rewrap },
})

export const destroyUserKey = operation({
  method: 'delete',
  path: '/nokkel/keys/{id}',
  tags,
  summary: 'Destroy the private half of a key that nothing is wrapped to any more',
  request: { params: ofKey },
  responses: { 204: null },
})

export const generateCompanyKeys = operation({
  method: 'post',
  path: '/generate-company-keys',
  tags,
  summary: 'Make a key for a company; for its administrators',
  request: { body: z.strictObject({ companyId: Uuid, replaces }) },
  responses: { 201: CompanyKey },
})

export const revokeCompanyKey = operation({
  method: 'post',
  path: '/nokkel/companies/{companyId}/keys/{id}/compromised',
  tags,
  summary: 'Mark a key of a company as compromised, and every RFX key version it could open; for its administrators',
  request: { params: ofCompanyKey },
  responses: { 200: z.strictObject({ compromisedVersions: z.int() }) },
})

export const rewrapCompanyKey = operation({
  method: 'post',
  path: '/nokkel/companies/{companyId}/keys/{id}/rewraps',
  tags,
  summary: 'Move the next wraps of an old key of a company to its active one; for its administrators',
  request: { params: ofCompanyKey, body: page },
  responses: { 200: Rewrap },
})

export const destroyCompanyKey = operation({
  method: 'delete',
  path: '/nokkel/companies/{companyId}/keys/{id}',
  tags,
  summary: 'Destroy the private half of a company’s key that nothing is wrapped to any more; for its administrators',
  request: { params: ofCompanyKey },
  responses: { 204: null },
})
