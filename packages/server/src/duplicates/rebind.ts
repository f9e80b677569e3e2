import {
  encodeBase64,
  formatEncryptedPrivateKey,
  joinEnvelope,
  parseEncryptedPrivateKey,
  parseHeader,
  privateKeyContext,
} from '@nokkel/crypto'
import { decryptContact, encryptContact } from '../auth/contact-store.ts'
import { generatePersonKey, openPersonKey } from '../auth/person-key.ts'
import { decryptPersonnummer, encryptPersonnummer } from '../identity/personnummer-envelope.ts'
import { sha256 } from '../keyring/digest.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { MergeMaterial, Rebound } from './store.ts'

/**
 * Opens what is bound to one account and protects it anew for the one that is kept. Counts wraps in the database: call it
 * outside transactions.
 *
 * @throws {CryptoError} `open_failed`: something is not what it was made as, so nothing is merged.
 */
export async function rebind(keyring: Keyring, material: MergeMaterial, survivor: string): Promise<Rebound> {
  const { otherId, keyIds, envelopes } = material
  const keys = await Promise.all(
    keyIds.map(async (keyId, index) => {
      const from = envelopes[index] ?? ''
      return [
        keyId,
        { from, ...(await rebindPrivateKey(keyring, keyId, from, { from: otherId, to: survivor })) },
      ] as const
    }),
  )
  return { keys: Object.fromEntries(keys), ...(await rebindPersonalData(keyring, material, survivor)) }
}

async function rebindPrivateKey(
  keyring: Keyring,
  keyId: string,
  encryptedPrivateKey: string,
  owners: { readonly from: string; readonly to: string },
): Promise<Omit<Rebound['keys'][string], 'from'>> {
  const old = joinEnvelope(parseEncryptedPrivateKey(encryptedPrivateKey))
  const bytes = await keyring.unwrap(old, privateKeyContext('user', keyId, owners.from))
  try {
    const envelope = await keyring.wrap(bytes, privateKeyContext('user', keyId, owners.to))
    return {
      envelope: formatEncryptedPrivateKey(envelope),
      hash: encodeBase64(await sha256(envelope)),
      masterKeyId: parseHeader(envelope)?.keyId ?? '',
    }
  } finally {
    bytes.fill(0)
  }
}

/** Contact moves where there is none; a number that is kept, where the database says so. */
async function rebindPersonalData(
  keyring: Keyring,
  material: MergeMaterial,
  survivor: string,
): Promise<Pick<Rebound, 'contact' | 'personnummer' | 'personKey'>> {
  const { otherId, personKey, survivorHasContact, takesPersonnummer, survivorPersonKey } = material
  const contact = survivorHasContact ? null : material.contact
  const personnummer = takesPersonnummer ? material.personnummer : null
  if ((contact === null && personnummer === null) || personKey === null) return {}
  const wrapped = survivorPersonKey ?? (await generatePersonKey(keyring, survivor))
  const [from, to] = [
    await openPersonKey(keyring, otherId, new Uint8Array(personKey)),
    await openPersonKey(keyring, survivor, new Uint8Array(wrapped)),
  ]
  const rewrite = async (old: Uint8Array, rewritten: Promise<Uint8Array>) => ({
    from: encodeBase64(new Uint8Array(old)),
    envelope: encodeBase64(await rewritten),
  })
  return {
    ...(contact && {
      contact: await rewrite(
        contact,
        encryptContact(await decryptContact(new Uint8Array(contact), from, otherId), to, survivor),
      ),
    }),
    ...(personnummer && {
      personnummer: await rewrite(
        personnummer,
        encryptPersonnummer(await decryptPersonnummer(personnummer, from, 'kept', otherId), to, 'kept', survivor),
      ),
    }),
    ...(survivorPersonKey === null && {
      personKey: { wrapped: encodeBase64(wrapped), masterKeyId: parseHeader(wrapped)?.keyId ?? '' },
    }),
  }
}
