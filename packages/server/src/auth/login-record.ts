import type { BlindIndex, IndexedField } from './blind-index.ts'
import type { Attempt } from './store.ts'
import type { VerifiedLogin } from './verified-login.ts'

/** A login as the database is told of it: nothing in it but the name says who somebody is. */
export type LoginRecord = Readonly<Record<string, string | readonly string[] | null>>

/**
 * Only a number that the person agreed to share counts, whatever the provider sent. While there is a previous index key,
 * everything is there under both.
 */
export async function makeLoginRecord(
  login: VerifiedLogin,
  { organizationId, consentVersion, consentShares }: Attempt,
  blindIndex: BlindIndex,
): Promise<LoginRecord> {
  const personnummer = consentShares.includes('personnummer') ? login.personnummer : null
  const { phoneNumber = null, email = null } = login.contact ?? {}
  const keyId = await blindIndex.keyId()
  const previous = await blindIndex.previous()
  const indexBy = async (by: BlindIndex | null, field: IndexedField, value: string | null) =>
    by && value !== null ? toBytea(await by.index(field, value)) : null
  return {
    provider: login.provider,
    client_id: login.client,
    subject: login.subject,
    name: login.name,
    acr: login.acr,
    assurance: login.assurance,
    organization_id: organizationId,
    personnummer_index: await indexBy(blindIndex, 'personnummer', personnummer),
    personnummer_index_key: personnummer && keyId,
    personnummer_outcome:
      personnummer || login.personnummerOutcome !== 'verified' ? login.personnummerOutcome : 'not_asked',
    phone_index: await indexBy(blindIndex, 'phone', phoneNumber),
    email_index: await indexBy(blindIndex, 'email', email),
    // What no provider vouches for now does not replace what one has.
    contact_index_key: phoneNumber !== null || email !== null ? keyId : null,
    previous_index_key: (await previous?.keyId()) ?? null,
    previous_personnummer_index: await indexBy(previous, 'personnummer', personnummer),
    previous_phone_index: await indexBy(previous, 'phone', phoneNumber),
    previous_email_index: await indexBy(previous, 'email', email),
    consent_version: consentVersion,
    consent_shares: consentShares,
    // A login that waits keeps these two: who agreed is not known yet.
    agreed_version: consentVersion,
    agreed_shares: consentShares,
  }
}

const toBytea = (bytes: Uint8Array) => `\\x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
