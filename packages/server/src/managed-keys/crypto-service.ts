import type { CryptoServiceAnswer, CryptoServiceRequest } from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { ServerError } from '../http/server-error.ts'
import { decryptOwn } from './decrypt.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { encryptOwn } from './encrypt.ts'
import { isRefused, type Outcome } from './item-outcome.ts'
import { unwrapReadable } from './unwrap.ts'

/** Answers one request: a single item with its result or its problem, a batch with what became of each item. */
export async function answerCryptoService(
  dependencies: CryptoDependencies,
  caller: Caller,
  request: CryptoServiceRequest,
): Promise<CryptoServiceAnswer> {
  const outcomes = await computeRequest(dependencies, caller, request)
  if ('items' in request) return { items: outcomes.map((outcome) => outcome) }
  const [only] = outcomes
  if (!only) throw new Error('An item has no outcome')
  if (isRefused(only)) throw new ServerError(only.code)
  return only
}

type Computed = Exclude<CryptoServiceAnswer, { items: unknown }>

function computeRequest(
  dependencies: CryptoDependencies,
  caller: Caller,
  request: CryptoServiceRequest,
): Promise<Outcome<Computed>[]> {
  switch (request.action) {
    case 'decrypt':
      return decryptOwn(dependencies, caller, 'items' in request ? request.items : [request])
    case 'unwrap':
      return unwrapReadable(dependencies, caller, ('items' in request ? request.items : [request]).map(toWrap))
    case 'encrypt': {
      const items = 'items' in request ? request.items : [request]
      const texts = items.map(({ text }) => text)
      return encryptOwn(dependencies, caller, texts, request.replaces)
    }
  }
}

const toWrap = ({ rfxId, version, via }: { rfxId: string; version: number; via: 'user' | 'company' }) => ({
  rfxId,
  version,
  via,
})
