import { type Context, decryptEnvelope, type EnvelopeKey, encryptEnvelope, type PublicJwk, seal } from '@nokkel/crypto'
import type { Personnummer } from '../auth/personnummer.ts'

/** Where the number lies: kept, or offered to its person and waiting for their yes. */
export type PersonnummerPlace = 'kept' | 'offered'

const contextOf = (place: PersonnummerPlace, userId: string): Context =>
  place === 'kept'
    ? { purpose: 'personnummer', table: 'user_identities', column: 'personnummer', row: userId, owner: userId }
    : {
        purpose: 'offered-personnummer',
        table: 'offered_personnummer',
        column: 'personnummer',
        row: userId,
        owner: userId,
      }

/** The context of a number that its person seals to the identity key: where it is going to be kept. */
export const typedContextOf = (userId: string): Context => contextOf('kept', userId)

/** @param key - Of the person. @see docs/spec/personal-data.md */
export async function encryptPersonnummer(
  personnummer: Personnummer,
  key: EnvelopeKey,
  place: PersonnummerPlace,
  userId: string,
): Promise<Uint8Array> {
  const digits = new TextEncoder().encode(personnummer)
  return encryptEnvelope(digits, key, contextOf(place, userId)).finally(() => digits.fill(0))
}

/** @throws {CryptoError} `open_failed`: of another person or place, or under another key. */
export async function decryptPersonnummer(
  envelope: Uint8Array,
  key: EnvelopeKey,
  place: PersonnummerPlace,
  userId: string,
): Promise<Personnummer> {
  const digits = await decryptEnvelope(new Uint8Array(envelope), key, contextOf(place, userId))
  const personnummer = new TextDecoder().decode(digits) as Personnummer
  digits.fill(0)
  return personnummer
}

/** First six digits and five stars. */
export function maskPersonnummer(personnummer: Personnummer): string {
  return `${personnummer.slice(0, 6)}*****`
}

/** A device that its owner reads on. */
export interface ReadingDevice {
  readonly id: string
  readonly encryptionKey: PublicJwk
}

/** Seals the number to a device of its owner: the only way in which it leaves the server whole. */
export async function sealPersonnummer(
  personnummer: Personnummer,
  { id, encryptionKey }: ReadingDevice,
  userId: string,
): Promise<Uint8Array> {
  const digits = new TextEncoder().encode(personnummer)
  return seal(digits, encryptionKey, {
    purpose: 'personnummer-reveal',
    table: 'device_key',
    column: 'encryption_key',
    row: id,
    owner: userId,
  }).finally(() => digits.fill(0))
}
