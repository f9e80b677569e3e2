import { keepUnderPersonKey } from '../auth/person-key.ts'
import type { Attempt } from '../auth/store.ts'
import type { VerifiedLogin } from '../auth/verified-login.ts'
import type { Database } from '../db/database.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { encryptPersonnummer } from './personnummer-envelope.ts'
import { insertOffer, mayOfferPersonnummer } from './store.ts'

export interface OfferDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly logger: Logger
}

/**
 * Holds the number that came with a login for an hour, for its person to say whether it may be kept. Call it outside
 * transactions, once the login is theirs.
 *
 * Nothing is held that the person did not agree to share, that they have said no to, or while one from a provider is
 * kept. A failure is logged and no more: the login stands, and the next one brings the same again.
 */
export async function offerPersonnummer(
  { database, keyring, logger }: OfferDependencies,
  userId: string,
  { personnummer, provider }: Pick<VerifiedLogin, 'personnummer' | 'provider'>,
  { consentShares }: Pick<Attempt, 'consentShares'>,
): Promise<void> {
  if (personnummer === null || !consentShares.includes('personnummer')) return
  try {
    if (!(await mayOfferPersonnummer(database, userId))) return
    await keepUnderPersonKey({ database, keyring }, userId, async (key, wrappedKey) => {
      const envelope = await encryptPersonnummer(personnummer, key, 'offered', userId)
      await insertOffer(database, userId, { envelope, source: provider, wrappedKey })
    })
  } catch (cause) {
    logger({ level: 'error', event: 'personnummer_not_offered', error: describeFailure(cause) })
  }
}
