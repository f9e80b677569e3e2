import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'

export const getHealth = operation({
  method: 'get',
  path: '/nokkel/health',
  tags: ['Service'],
  summary: 'Whether the process answers',
  responses: {
    200: z.strictObject({ status: z.literal('ok'), version: z.string() }),
  },
  public: true,
})

export const getReadiness = operation({
  method: 'get',
  path: '/nokkel/ready',
  tags: ['Service'],
  summary: 'Whether the database answers, its schema is current and the keyring fits it; 503 with a reason if not',
  responses: { 200: z.strictObject({ status: z.literal('ready') }) },
  public: true,
})
