import { createHash } from 'node:crypto'

/**
 * Gives the `sub` that the sandbox Vipps issues for a person to a client.
 *
 * As with the real provider it differs per client (sales unit), so two organisations never see the same
 * subject. Deterministic, so seed data can name it.
 *
 * @param clientId - Client identifier of the organisation.
 * @param personId - `id` of the {@link Person}.
 * @returns A lower-case UUID.
 *
 * @example
 * ```ts
 * import { vippsSubject } from '@nokkel/sandbox'
 *
 * const subject = vippsSubject('likeperson', 'likeperson-medlem-1')
 * ```
 */
export function vippsSubject(clientId: string, personId: string): string {
  return asUuid(digest('vipps-sub', clientId, personId))
}

/**
 * Gives the `bankid_altsub` of a person: the stable key of a BankID, the same for every client.
 *
 * @param personId - `id` of the {@link Person}.
 * @returns `9578-6000-4-` and seven digits.
 *
 * @example
 * ```ts
 * import { bankidAltsub } from '@nokkel/sandbox'
 *
 * const subject = bankidAltsub('likeperson-koordinator')
 * ```
 */
export function bankidAltsub(personId: string): string {
  return `9578-6000-4-${1_000_000 + (digest('bankid-altsub', personId).readUInt32BE(0) % 9_000_000)}`
}

/** The `sub` of BankID, which the documentation calls unstable; deliberately unlike `bankid_altsub`. */
export function bankidSubject(clientId: string, personId: string): string {
  return asUuid(digest('bankid-sub', clientId, personId))
}

/** The `sub` of Idura: one for each eID of a person, the same for every client of the tenant. */
export function iduraSubject(scheme: string, personId: string): string {
  return `{${asUuid(digest('idura-sub', scheme, personId))}}`
}

/** The `sub` of Signicat, which is not that of BankID either. */
export function signicatSubject(clientId: string, personId: string): string {
  return digest('signicat-sub', clientId, personId).toString('base64')
}

function digest(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

function asUuid(hash: Buffer): string {
  const bytes = Buffer.from(hash.subarray(0, 16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
