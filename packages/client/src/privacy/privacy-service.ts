import type { Consent, ErasureCertificate, ErasurePreview, PersonalDataExport } from '@nokkel/contract'
import { lazily, lazyMethods } from '../lazily.ts'
import { withinSession } from '../session/within-session.ts'
import type { PrivacyDependencies } from './privacy-operations.ts'

/** Everything held on a person, opened on their device. */
export interface PersonalData extends Omit<PersonalDataExport, 'sealedPersonnummer'> {
  /** The kept personnummer in full; `null` when none is kept, or this device has no keys. */
  readonly personnummer: string | null
}

export interface ExportedData {
  readonly data: PersonalData
  /** The same for a machine: `application/json`. */
  readonly json: Blob
}

/**
 * What the person who is logged in may ask for under the data protection law. Loaded at first use.
 *
 * @example
 * ```ts
 * const { privacy } = createNokkel({ organization: 'likeperson' })
 * const { blockers } = await privacy.preview()
 * if (blockers.length === 0 && confirm('Erase me for ever?')) {
 *   const { backupsExpireAt } = await privacy.erase()
 *   console.log(`Gone from every backup by ${backupsExpireAt}`)
 * }
 * ```
 */
export interface PrivacyService {
  /** What the person has said yes to, the newest first; withdrawn ones included. */
  consents(): Promise<readonly Consent[]>
  /** Takes back a yes: what was held because of it is removed, and what this device has cached. @throws {NokkelError} `not_found` */
  withdraw(id: string): Promise<void>
  /**
   * Everything held on the person. What it gives is in the clear: hand it to them, and forget it.
   *
   * @throws {NokkelError} `login_too_old`: log in again first. `keys_missing`: the keys it was sealed to are not here.
   */
  exportData(): Promise<ExportedData>
  /** What erasing would remove, what stays with others, and what stands in the way. */
  preview(): Promise<ErasurePreview>
  /**
   * Erases the person for ever, then everything of them on this device, and logs out with the notice `account_erased`.
   *
   * @returns The certificate. It is not to be had again.
   * @throws {NokkelError} `login_too_old`; `erasure_blocked`: see `preview`. `network_unreachable`: it may have been done;
   * the next contact with the server tells.
   */
  erase(): Promise<ErasureCertificate>
}

export function createPrivacyService(dependencies: PrivacyDependencies): PrivacyService {
  const load = lazily(async () => (await import('./privacy-operations.ts')).createPrivacyOperations(dependencies))
  return lazyMethods(
    withinSession(dependencies.session, load),
    'consents',
    'withdraw',
    'exportData',
    'preview',
    'erase',
  )
}
