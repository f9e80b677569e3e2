import { z } from '@hono/zod-openapi'
import { Share } from './login.ts'
import { operation } from './operation.ts'
import { Instant, Uuid } from './scalars.ts'

/**
 * Why something of a person is held. `contact`: to reach them; `recognition`: to know them again by the verified
 * personnummer, of which a keyed hash is held; `personnummer`: to keep the number itself.
 */
export const ConsentPurpose = z.enum(['contact', 'recognition', 'personnummer'])
export type ConsentPurpose = z.infer<typeof ConsentPurpose>

/**
 * GDPR article 6(1)(a); for the personnummer also § 12 of the Norwegian personopplysningsloven: a factual need for
 * certain identification that cannot be met otherwise.
 */
const LegalBasis = z.enum(['gdpr-6-1-a', 'gdpr-6-1-a+popplyl-12'])

/** A yes of the person. It stays as evidence for three years after it was withdrawn or replaced. */
export const Consent = z
  .strictObject({
    id: Uuid,
    purpose: ConsentPurpose,
    shares: z.array(Share),
    legalBasis: LegalBasis,
    /** Of the text that the application says it showed, as it was given: the texts are the application's. */
    textVersion: z.string(),
    /** To whom; `null` when it is gone. */
    organization: z.string().nullable(),
    givenAt: Instant,
    withdrawnAt: Instant.nullable(),
  })
  .openapi('Consent')
export type Consent = z.infer<typeof Consent>

export const listConsents = operation({
  method: 'get',
  path: '/nokkel/me/consents',
  tags: ['Identity'],
  summary: 'What the person has said yes to, the newest first; withdrawn ones included',
  responses: { 200: z.strictObject({ consents: z.array(Consent) }) },
})

export const withdrawConsent = operation({
  method: 'delete',
  path: '/nokkel/me/consents/{id}',
  tags: ['Identity'],
  summary: 'Take back a yes, and remove what was held because of it',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 204: null },
})
