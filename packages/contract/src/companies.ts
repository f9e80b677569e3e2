import { z } from '@hono/zod-openapi'
import { CompanyKey } from './managed-keys.ts'
import { operation } from './operation.ts'
import { base64Url, Cursor, Instant, pageQuery, Thumbprint, Uuid } from './scalars.ts'

export const CompanyRole = z.enum(['member', 'administrator'])

/** A company as everybody in its organisation sees it: whom to wrap to. */
export const CompanySummary = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    organizationNumber: z.string().nullable(),
    key: z.strictObject({ id: Uuid, publicKey: z.string(), thumbprint: Thumbprint, createdAt: Instant }).nullable(),
    role: CompanyRole.nullable().openapi({ description: 'Of the person; null for those who are not in it.' }),
  })
  .openapi('CompanySummary')
export type CompanySummary = z.infer<typeof CompanySummary>

export const CompanyMember = z
  .strictObject({ id: Uuid, name: z.string(), role: CompanyRole, joinedAt: Instant })
  .openapi('CompanyMember')
export type CompanyMember = z.infer<typeof CompanyMember>

/** A company as its members see it. */
export const Company = z
  .strictObject({ ...CompanySummary.shape, members: z.array(CompanyMember), keys: z.array(CompanyKey) })
  .openapi('Company')
export type Company = z.infer<typeof Company>

/** 16 random bytes: whoever presents them first becomes a member. */
const InvitationCode = base64Url(16, 16)
const ofCompany = z.strictObject({ id: Uuid })
const ofMember = z.strictObject({ id: Uuid, userId: Uuid })
const tags: ['Companies'] = ['Companies']

export const listCompanies = operation({
  method: 'get',
  path: '/nokkel/companies',
  tags,
  summary: 'The companies of the organisation, by name, with the keys to wrap to',
  request: {
    query: z.strictObject({ ...pageQuery, search: z.string().max(100).optional(), mine: z.literal('true').optional() }),
  },
  responses: { 200: z.strictObject({ companies: z.array(CompanySummary), nextCursor: Cursor.optional() }) },
})

export const createCompany = operation({
  method: 'post',
  path: '/nokkel/companies',
  tags,
  summary:
    'Register a company and become its first administrator; for coordinators and administrators of the organisation',
  request: {
    body: z.strictObject({
      name: z.string().trim().min(1).max(200),
      organizationNumber: z
        .string()
        .regex(/^[89]\d{8}$/)
        .optional(),
    }),
  },
  responses: { 201: Company },
})

export const getCompany = operation({
  method: 'get',
  path: '/nokkel/companies/{id}',
  tags,
  summary: 'A company with its members and keys; for its members',
  request: { params: ofCompany },
  responses: { 200: Company },
})

export const inviteToCompany = operation({
  method: 'post',
  path: '/nokkel/companies/{id}/invitations',
  tags,
  summary:
    'A code that makes one person of the organisation a member, within seven days; for administrators of the company, and for those of the organisation when the company has none',
  request: { params: ofCompany, body: z.strictObject({ role: CompanyRole }) },
  responses: { 201: z.strictObject({ code: InvitationCode, expiresAt: Instant }) },
})

export const joinCompany = operation({
  method: 'post',
  path: '/nokkel/companies/join',
  tags,
  summary: 'Become a member with the code of an invitation',
  request: { body: z.strictObject({ code: InvitationCode }) },
  responses: { 200: Company },
})

export const changeCompanyMember = operation({
  method: 'put',
  path: '/nokkel/companies/{id}/members/{userId}',
  tags,
  summary: 'Give a member another role; for administrators of the company',
  request: { params: ofMember, body: z.strictObject({ role: CompanyRole }) },
  responses: { 204: null },
})

export const removeCompanyMember = operation({
  method: 'delete',
  path: '/nokkel/companies/{id}/members/{userId}',
  tags,
  summary: 'Remove a member at once, or leave; for administrators of the company, and for everyone of themselves',
  request: { params: ofMember },
  responses: { 204: null },
})
