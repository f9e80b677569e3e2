import type { AnswerOf, Operation, ParsedOf } from '@nokkel/contract'
import type { Context } from 'hono'
import type { Claims } from '../db/with-claims.ts'

/** What a handler is given: everything parsed, checked and authorised as the operation says. */
export type OperationRequest<O extends Operation> = ParsedOf<O> & {
  /** Of the access token; present unless the operation is public. */
  readonly claims: Claims
  /** Thumbprint of the key that made the DPoP proof; only for operations that need one. */
  readonly thumbprint: string
  /** The body of an operation that takes bytes. */
  readonly bytes: Uint8Array
  readonly context: Context
}

type ResponseOf<O extends Operation> = O['schemas']['responses'][keyof O['schemas']['responses']]

/** What a handler gives back: the body of the answer, as the operation says. */
type OperationAnswer<O extends Operation> =
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without an answer returns nothing
  ResponseOf<O> extends null ? void : ResponseOf<O> extends 'bytes' ? Uint8Array : AnswerOf<O>

/** Where the folders of this package register their operations. */
export interface Api {
  implement<O extends Operation>(
    operation: O,
    handler: (request: OperationRequest<O>) => Promise<OperationAnswer<O>>,
  ): void
}
