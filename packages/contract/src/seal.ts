import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'

/** Whether the root keys are there; while they are not, everything else answers `sealed`. */
export const SealStatus = z
  .strictObject({
    sealed: z.boolean(),
    required: z.int().openapi({ description: 'Shares needed; 0 where none are used.' }),
    received: z.int().openapi({ description: 'Different shares given since the start.' }),
  })
  .openapi('SealStatus')
export type SealStatus = z.infer<typeof SealStatus>

export const getSealStatus = operation({
  method: 'get',
  path: '/nokkel/seal',
  tags: ['Service'],
  summary: 'Whether the server waits for shares of its key, and for how many',
  responses: { 200: SealStatus },
  public: true,
})

export const unseal = operation({
  method: 'post',
  path: '/nokkel/unseal',
  tags: ['Service'],
  summary: 'Give one share of the key',
  request: { body: z.strictObject({ share: z.string().min(20).max(200) }) },
  responses: { 200: SealStatus },
  public: true,
})
