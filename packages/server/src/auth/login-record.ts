import type { BlindIndex } from './blind-index.ts'
import type { Attempt } from './store.ts'
import type { VerifiedLogin } from './verified-login.ts'

/** A login as the database is told of it: nothing in it but the name says who somebody is. */
export type LoginRecord = Readonly<Record<string, string | readonly string[] | null>>

/** Only a number that the person agreed to share counts, whatever the provider sent. */
export async function makeLoginRecord(
  login: VerifiedLogin,
  { organizationId, consentVersion, consentShares }: Attempt,
  { index, keyId }: BlindIndex,
): Promise<LoginRecord> {
  const personnummer = consentShares.includes('personnummer') ? login.personnummer : null
  const { phoneNumber = null, email = null } = login.contact ?? {}
  return {
    provider: login.provider,
    client_id: login.client,
    subject: login.subject,
    name: login.name,
    acr: login.acr,
    assurance: login.assurance,
    organization_id: organizationId,
    personnummer_index: personnummer && toBytea(await index('personnummer', personnummer)),
    personnummer_index_key: personnummer && (await keyId()),
    personnummer_outcome:
      personnummer || login.personnummerOutcome !== 'verified' ? login.personnummerOutcome : 'not_asked',
    phone_index: phoneNumber && toBytea(await index('phone', phoneNumber)),
    email_index: email && toBytea(await index('email', email)),
    contact_index_key: login.contact && (await keyId()),
    consent_version: consentVersion,
    consent_shares: consentShares,
  }
}

const toBytea = (bytes: Uint8Array) => `\\x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
