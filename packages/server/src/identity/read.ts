import type { AnswerOf, PersonnummerStatus, revealPersonnummer as revealOperation } from '@nokkel/contract'
import { CryptoError, encodeBase64Url } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { openPersonKey } from '../auth/person-key.ts'
import { instant } from '../db/instant.ts'
import type { Claims } from '../db/with-claims.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import type { IdentityKeyDependencies } from './identity-keys.ts'
import {
  decryptPersonnummer,
  maskPersonnummer,
  type PersonnummerPlace,
  sealPersonnummer,
} from './personnummer-envelope.ts'
import { revealRow, selectPersonnummer } from './store.ts'

export interface ReadDependencies extends IdentityKeyDependencies {
  readonly logger: Logger
}

/** What is kept of the caller and what waits for their yes, masked; `null` also where it does not open. */
export async function readPersonnummer(
  { database, keyring, logger }: ReadDependencies,
  claims: Claims,
): Promise<PersonnummerStatus> {
  const { kept, offered, wrappedKey } = await selectPersonnummer(database, claims)
  const mask = async (envelope: Uint8Array, place: PersonnummerPlace): Promise<string | null> => {
    try {
      const key = wrappedKey && (await openPersonKey(keyring, claims.sub, wrappedKey))
      return key && maskPersonnummer(await decryptPersonnummer(envelope, key, place, claims.sub))
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause
      logger({ level: 'error', event: 'personnummer_unreadable', error: describeFailure(cause) })
      return null
    }
  }
  const keptMasked = kept && (await mask(kept.envelope, 'kept'))
  const offeredMasked = offered && (await mask(offered.envelope, 'offered'))
  return {
    kept: kept && keptMasked ? { masked: keptMasked, source: kept.source, keptAt: instant(kept.keptAt) } : null,
    offered:
      offered && offeredMasked
        ? { masked: offeredMasked, source: offered.source, expiresAt: instant(offered.expiresAt) }
        : null,
  }
}

/**
 * Gives the kept number in full to the device of its owner.
 *
 * @throws {ServerError} `login_too_old`: they logged in more than five minutes ago; `device_required`; `not_found`: none is
 *   kept.
 */
export async function revealPersonnummer(
  { database, keyring }: IdentityKeyDependencies,
  caller: Caller,
): Promise<AnswerOf<typeof revealOperation>> {
  const { sub } = caller.claims
  const subject = { action: 'personnummer.reveal', type: 'personnummer', id: null }
  const row = await recordRefusal(database, caller, subject, () => revealRow(database, caller))
  const key = await openPersonKey(keyring, sub, new Uint8Array(row.wrappedKey))
  const personnummer = await decryptPersonnummer(row.personnummer, key, 'kept', sub)
  const device = { id: row.deviceId, encryptionKey: row.encryptionKey }
  return { sealed: encodeBase64Url(await sealPersonnummer(personnummer, device, sub)) }
}
