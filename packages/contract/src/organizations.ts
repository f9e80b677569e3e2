import { z } from '@hono/zod-openapi'
import { Share } from './login.ts'
import { operation } from './operation.ts'
import { Cursor, Instant, ProviderId, PublicJwk, pageQuery, Role, Slug, Thumbprint, Uuid } from './scalars.ts'

export const OrganizationSummary = z
  .strictObject({
    slug: Slug,
    name: z.string(),
    providers: z.array(
      z.strictObject({
        id: ProviderId,
        /** Whether it can be used now. */
        available: z.boolean(),
        /** What it tells of everybody who logs in here. */
        shares: z.array(Share),
        /** Whether it may be asked for the personnummer, of those who agree. */
        personnummer: z.boolean(),
      }),
    ),
  })
  .openapi('OrganizationSummary')
export type OrganizationSummary = z.infer<typeof OrganizationSummary>

/** What a person is in the organisation they logged in to. */
export const Me = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    organization: z.strictObject({
      id: Uuid,
      slug: Slug,
      name: z.string(),
      devicePolicy: z.enum(['one', 'several']),
    }),
    role: Role,
    session: z.strictObject({
      id: Uuid,
      provider: ProviderId,
      authenticatedAt: Instant,
      expiresAt: Instant,
      deviceId: Uuid.nullable(),
    }),
    /** Whether they are recognised by a number that a provider vouched for; it says nothing of a number that is kept. */
    personnummerVerified: z.boolean(),
    /** Accounts that were merged into this one: what was signed for them is signed for this person. */
    formerIds: z.array(Uuid),
  })
  .openapi('Me')
export type Me = z.infer<typeof Me>

/** A device of a member as a sender needs it: where to seal to. */
export const RecipientDevice = z
  .strictObject({
    id: Uuid,
    encryptionKey: PublicJwk,
    thumbprint: Thumbprint,
    registeredAt: Instant,
  })
  .openapi('RecipientDevice')
export type RecipientDevice = z.infer<typeof RecipientDevice>

export const Member = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    role: Role,
    joinedAt: Instant,
    devices: z.array(RecipientDevice),
  })
  .openapi('Member')
export type Member = z.infer<typeof Member>

export const listOrganizations = operation({
  method: 'get',
  path: '/nokkel/organizations',
  tags: ['Organizations'],
  summary: 'The organisations one can log in to, for the login page',
  responses: {
    200: z.strictObject({ organizations: z.array(OrganizationSummary) }),
  },
  public: true,
})

export const getMe = operation({
  method: 'get',
  path: '/nokkel/me',
  tags: ['Organizations'],
  summary: 'Who is logged in, where and as what',
  responses: { 200: Me },
})

export const listMembers = operation({
  method: 'get',
  path: '/nokkel/members',
  tags: ['Organizations'],
  summary: 'Members of the organisation with their active devices; for coordinators and administrators',
  request: {
    query: z.strictObject({
      ...pageQuery,
      search: z.string().max(100).optional(),
    }),
  },
  responses: {
    200: z.strictObject({
      members: z.array(Member),
      nextCursor: Cursor.optional(),
    }),
  },
})

export const getMembersById = operation({
  method: 'post',
  path: '/nokkel/members/lookup',
  tags: ['Organizations'],
  summary: 'Named members with their active devices, at most 200; for coordinators and administrators',
  request: { body: z.strictObject({ ids: z.array(Uuid).min(1).max(200) }) },
  responses: { 200: z.strictObject({ members: z.array(Member) }) },
})
