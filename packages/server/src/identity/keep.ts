import type { KeepPersonnummer } from '@nokkel/contract'
import { decodeBase64Url } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { keepUnderPersonKey, openPersonKey, retryLostKey } from '../auth/person-key.ts'
import { type Personnummer, parsePersonnummer } from '../auth/personnummer.ts'
import { withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { type IdentityKeyDependencies, openSealed } from './identity-keys.ts'
import { decryptPersonnummer, encryptPersonnummer, typedContextOf } from './personnummer-envelope.ts'
import { declineOffer, keepOffered, keepTyped, selectPersonnummer } from './store.ts'

export interface KeepDependencies extends IdentityKeyDependencies {
  /** Whether the numbers of made-up people are taken. */
  readonly allowSynthetic: boolean
}

/**
 * Keeps the number of the person, who has agreed to it: the one that a provider told, or one that they typed.
 *
 * A typed one is opened, looked at and encrypted before the database is asked for anything but the session, and is
 * compared with nothing: what comes back tells only of the person's own.
 *
 * @throws {ServerError} `personnummer_offer_gone`; `identity_key_unknown`; `personnummer_invalid`: it does not open for
 *   this person, or is no number; `personnummer_known`: one that a provider vouched for is kept.
 */
export async function keepPersonnummer(
  dependencies: KeepDependencies,
  caller: Caller,
  request: KeepPersonnummer,
): Promise<void> {
  const { database } = dependencies
  const { version } = request.consent
  await recordRefusal(database, caller, { action: 'personnummer.keep', type: 'personnummer', id: null }, async () => {
    if (request.from === 'provider') return retryLostKey(() => keepOffer(dependencies, caller, version))
    await withClaims(database, caller.claims, async () => undefined)
    const { sub } = caller.claims
    const personnummer = await openTyped(dependencies, sub, request.sealed)
    await keepUnderPersonKey(dependencies, sub, async (key, wrappedKey) => {
      const envelope = await encryptPersonnummer(personnummer, key, 'kept', sub)
      await keepTyped(database, caller, version, { envelope, wrappedKey })
    })
  })
}

async function keepOffer(
  { database, keyring }: IdentityKeyDependencies,
  caller: Caller,
  version: string,
): Promise<void> {
  const { sub } = caller.claims
  const { offered, wrappedKey } = await selectPersonnummer(database, caller.claims)
  const from = offered?.envelope ?? null
  if (from === null || wrappedKey === null) {
    await keepOffered(database, caller, version, { from: null, envelope: null, wrappedKey: null })
    return
  }
  const key = await openPersonKey(keyring, sub, wrappedKey)
  const personnummer = await decryptPersonnummer(from, key, 'offered', sub)
  const envelope = await encryptPersonnummer(personnummer, key, 'kept', sub)
  await keepOffered(database, caller, version, { from, envelope, wrappedKey })
}

async function openTyped(dependencies: KeepDependencies, userId: string, sealed: string): Promise<Personnummer> {
  const bytes = decodeSealed(sealed)
  const digits = bytes && (await openSealed(dependencies, bytes, typedContextOf(userId)))
  const personnummer = digits && readDigits(digits, dependencies.allowSynthetic)
  if (!personnummer) throw new ServerError('personnummer_invalid')
  return personnummer
}

function decodeSealed(sealed: string): Uint8Array | null {
  try {
    return decodeBase64Url(sealed)
  } catch {
    return null
  }
}

function readDigits(digits: Uint8Array, allowSynthetic: boolean): Personnummer | null {
  try {
    return parsePersonnummer(new TextDecoder().decode(digits), allowSynthetic)
  } finally {
    digits.fill(0)
  }
}

/** Lets go of what a provider told, and remembers the no. */
export async function declinePersonnummer(
  { database }: Pick<KeepDependencies, 'database'>,
  { claims, requestId }: Caller,
): Promise<void> {
  await withClaims(database, claims, (transaction) => declineOffer(transaction, requestId))
}
