import type { PersonnummerStatus, UserIdentity } from '@nokkel/contract'
import { codeOf } from '../errors.ts'
import { lazily, lazyMethods } from '../lazily.ts'
import { withinSession } from '../session/within-session.ts'
import { IdentityRepositoryError } from './identity-error.ts'
import type { IdentityDependencies } from './identity-operations.ts'
import type { PersonnummerFault } from './personnummer.ts'

/** That a person wants their personnummer to be kept, having read what for. */
export interface StorageConsent {
  /** Of the text they read, such as `v1`: small letters, digits, `.` and `-`, at most 32. */
  readonly version: string
}

/**
 * What is held of the person who is logged in to know who they are: the row of `user_identities`. It is cached on this device
 * for 15 minutes, the personnummer in it as the ciphertext that only the server opens. Loaded at first use.
 *
 * Everything is of one's own: the row of somebody else is `null`, and to write it is refused, without a request. Whatever
 * fails is an {@link IdentityRepositoryError}, such as `network_unreachable`, `signed_out` or `storage_full`.
 *
 * @example
 * ```ts
 * const { auth, identity } = createNokkel({ organization: 'likeperson' })
 * const { me } = auth.getSnapshot()
 * const row = me && (await identity.getIdentityByUserId(me.id))
 * console.log(row?.bankidVerified ? 'Logged in with BankID before' : 'Never logged in with BankID')
 * ```
 */
export interface UserIdentityRepository {
  /** Sees to it that the person has a row. What proves something in it is written by the server alone, whatever is given. */
  upsertIdentity(identity: Pick<UserIdentity, 'userId'>): Promise<void>
  /**
   * The row, from this device within 15 minutes of when it was fetched: then nothing is asked of the server at all. All who
   * ask at the same time share one request.
   *
   * @returns `null`: there is none, or it is somebody else's. That is not cached.
   */
  getIdentityByUserId(userId: string): Promise<UserIdentity | null>
  /** Has the server record that this session came from BankID. @throws {IdentityRepositoryError} `bankid_login_required` */
  markBankIdVerified(userId: string): Promise<void>
  /**
   * Keeps a personnummer that the person typed. It is sealed to the server on this device, proves nothing, and is told to
   * nobody.
   *
   * @param personnummer - 11 digits, a D-number included.
   * @throws {IdentityRepositoryError} `personnummer_invalid`; `personnummer_known`: one that a provider vouched for is kept.
   */
  storePersonnummer(userId: string, personnummer: string, consent: StorageConsent): Promise<void>
  /** Keeps what a provider told at the last login. @throws {IdentityRepositoryError} `personnummer_offer_gone` */
  keepOffered(consent: StorageConsent): Promise<void>
  /** Says no to keeping what a provider told. @throws {IdentityRepositoryError} `personnummer_offer_gone`: it was kept meanwhile, or is gone. */
  declineOffered(): Promise<void>
  /** Whether a number is kept or waits for a yes, masked. Never cached. */
  personnummer(): Promise<PersonnummerStatus>
  /**
   * The number in full, sealed to this device on its way here. Show it, and forget it.
   *
   * @throws {IdentityRepositoryError} `login_too_old`: log in again first; `device_required`, `keys_missing`: this device has
   * no keys; `not_found`: none is kept.
   */
  revealPersonnummer(): Promise<string>
  /** Where something typed as a personnummer goes wrong; `null`: nowhere that this device can see. Nothing is sent. */
  checkPersonnummer(personnummer: string): Promise<PersonnummerFault | null>
  /** Deletes whatever this device has cached of who people are. Done at every logout, before the tokens go. */
  purgeLocalIdentityData(): Promise<void>
  /**
   * Calls `listener` after the row may have changed, here or in another tab: read it again then. Returns what ends that.
   */
  subscribe(listener: () => void): () => void
}

export interface IdentityRepository extends UserIdentityRepository {
  /** Tells that the row may have changed. */
  changed(): void
}

export function createIdentityRepository(dependencies: Omit<IdentityDependencies, 'changed'>): IdentityRepository {
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of [...listeners]) listener()
  }
  const load = lazily(async () =>
    (await import('./identity-operations.ts')).createIdentityOperations({ ...dependencies, changed }),
  )
  const named = <T>(task: Promise<T>) =>
    task.catch((error) => Promise.reject(new IdentityRepositoryError(codeOf(error) ?? 'answer_unexpected')))
  return {
    // Whose it is, nothing they are called with says.
    ...lazyMethods(
      () => named(withinSession(dependencies.session, load)()),
      'keepOffered',
      'declineOffered',
      'revealPersonnummer',
    ),
    ...lazyMethods(
      () => named(load()),
      'upsertIdentity',
      'getIdentityByUserId',
      'markBankIdVerified',
      'storePersonnummer',
      'personnummer',
      'checkPersonnummer',
      'purgeLocalIdentityData',
    ),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    changed,
  }
}
