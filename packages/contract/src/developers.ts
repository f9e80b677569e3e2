import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { tags } from './rfx/parts.ts'
import { Uuid } from './scalars.ts'

export const listDevelopers = operation({
  method: 'get',
  path: '/nokkel/developers',
  tags,
  summary: 'Who reviews projects in the organisation',
  responses: { 200: z.strictObject({ developers: z.array(z.strictObject({ id: Uuid, name: z.string() })) }) },
})

export const nameDeveloper = operation({
  method: 'put',
  path: '/nokkel/developers/{userId}',
  tags,
  summary: 'Make a member a developer; for administrators of the organisation',
  request: { params: z.strictObject({ userId: Uuid }) },
  responses: { 204: null },
})

export const dismissDeveloper = operation({
  method: 'delete',
  path: '/nokkel/developers/{userId}',
  tags,
  summary: 'Make them one no longer, at once; for administrators of the organisation',
  request: { params: z.strictObject({ userId: Uuid }) },
  responses: { 204: null },
})
