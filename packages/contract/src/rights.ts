import { z } from '@hono/zod-openapi'
import { Contact } from './login.ts'
import { operation } from './operation.ts'
import { base64Url, compactJws, Instant, Uuid } from './scalars.ts'

/** Everything that is held on a person. */
export const PersonalDataExport = z
  .strictObject({
    format: z.literal('nokkel/export/v1'),
    exportedAt: Instant,
    userId: Uuid,
    contact: Contact.nullable(),
    /** The kept personnummer, sealed to the device as `revealPersonnummer` does; `null` without one, or without a device. */
    sealedPersonnummer: base64Url(112, 112).nullable(),
    /** Rows by what they are of; each row is an object of texts, numbers, booleans, instants, lists and `null`. */
    data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
  })
  .openapi('PersonalDataExport')
export type PersonalDataExport = z.infer<typeof PersonalDataExport>

/** What must be settled before a person can be erased: nobody else could look after it. */
export const ErasureBlocker = z
  .strictObject({
    kind: z.enum(['company_administrator', 'organization_administrator', 'project_opener']),
    id: Uuid,
    name: z.string(),
  })
  .openapi('ErasureBlocker')
export type ErasureBlocker = z.infer<typeof ErasureBlocker>

export const ErasurePreview = z
  .strictObject({
    /** Rows that go, by what they are of. */
    removed: z.record(z.string(), z.int()),
    /** Rows that stay for others under the pseudonym of the person, by what they are of. */
    kept: z.record(z.string(), z.int()),
    blockers: z.array(ErasureBlocker),
    /** When the last backup with the data has expired. */
    backupsExpireAt: Instant,
  })
  .openapi('ErasurePreview')
export type ErasurePreview = z.infer<typeof ErasurePreview>

export const ErasureCertificate = z
  .strictObject({
    id: Uuid,
    erasedAt: Instant,
    backupsExpireAt: Instant,
    removed: z.record(z.string(), z.int()),
    /** The same, signed: typ `nokkel-erasure+jwt`, by a key of the server's JWKS. Names nobody. */
    certificate: compactJws(4096),
  })
  .openapi('ErasureCertificate')
export type ErasureCertificate = z.infer<typeof ErasureCertificate>

export const exportPersonalData = operation({
  method: 'post',
  path: '/nokkel/me/export',
  tags: ['Identity'],
  summary: 'Everything held on the person; after a login not older than five minutes',
  responses: { 200: PersonalDataExport },
})

export const previewErasure = operation({
  method: 'get',
  path: '/nokkel/me/erasure',
  tags: ['Identity'],
  summary: 'What erasing the person would remove, and what stands in the way',
  responses: { 200: ErasurePreview },
})

export const erasePerson = operation({
  method: 'post',
  path: '/nokkel/me/erasure',
  tags: ['Identity'],
  summary: 'Erase the person for ever; after a login not older than five minutes',
  request: { body: z.strictObject({ confirm: z.literal('erase') }) },
  responses: { 200: ErasureCertificate },
})
