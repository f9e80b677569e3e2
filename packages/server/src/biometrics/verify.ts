import type { UnlockCredential } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { ServerError } from '../http/server-error.ts'
import type { ClientData } from './client-data.ts'
import { type CoseKey, isEcdsa, isUsableKey } from './credential-key.ts'
import { algorithms } from './options.ts'
import type { RelyingParty } from './relying-party.ts'
import { isEcdsaSignature } from './signature.ts'

/** A credential as it is kept. */
export interface StoredCredential {
  readonly credentialId: Uint8Array
  /** COSE_Key, RFC 9052 §7. */
  readonly publicKey: Uint8Array
  readonly signCount: number
  /** Whether its platform may copy it to other devices. */
  readonly deviceType: 'singleDevice' | 'multiDevice'
}

export interface NewCredential extends StoredCredential {
  readonly backedUp: boolean
  readonly aaguid: string
  /** Of the relying party it was made for. */
  readonly rpId: string
}

export interface Assertion {
  readonly signCount: number
  readonly backedUp: boolean
}

/**
 * Checks the answer to the options of a new credential, whose challenge was found to be ours.
 *
 * An attestation that names an authenticator was not asked for and is not taken: its certificates are never read.
 *
 * @throws {ServerError} `unlock_failed`, whatever is wrong with it.
 * @see WebAuthn Level 3 §7.1
 */
export async function verifyNewCredential(
  { id, origins }: RelyingParty,
  clientData: ClientData,
  credential: UnlockCredential,
): Promise<NewCredential> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  const { decodeAttestationObject, decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers')
  return refusing(async () => {
    const { attestationObject } = credential.response
    if (clientData.embedded || attestationObject === undefined) return null
    const attestation = decodeAttestationObject(decodeBase64Url(attestationObject))
    const format = attestation.get('fmt')
    if (format !== 'none' && !(format === 'packed' && attestation.get('attStmt').get('x5c') === undefined)) return null
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: credential as unknown as RegistrationResponseJSON,
      expectedChallenge: clientData.challenge,
      expectedOrigin: [...origins],
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...algorithms],
    })
    if (!verified || registrationInfo.credential.id !== credential.id) return null
    const { publicKey, counter: signCount } = registrationInfo.credential
    if (!(await isUsableKey(decodeCredentialPublicKey(publicKey) as CoseKey))) return null
    return {
      credentialId: decodeBase64Url(credential.id),
      publicKey,
      signCount,
      deviceType: registrationInfo.credentialDeviceType,
      backedUp: registrationInfo.credentialBackedUp,
      aaguid: registrationInfo.aaguid,
      rpId: id,
    }
  })
}

/**
 * Checks the answer of a known credential, whose challenge was found to be ours. Its count must be above `signCount`, unless
 * it counts nothing.
 *
 * @throws {ServerError} `unlock_failed`, whatever is wrong with it.
 * @see WebAuthn Level 3 §7.2
 */
export async function verifyAssertion(
  { id, origins }: RelyingParty,
  clientData: ClientData,
  credential: UnlockCredential,
  known: StoredCredential & { readonly userHandle: Uint8Array },
): Promise<Assertion> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  const { decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers')
  return refusing(async () => {
    const { userHandle, signature = '' } = credential.response
    const publicKey = new Uint8Array(known.publicKey)
    const ours = encodeBase64Url(known.credentialId)
    if (clientData.embedded || credential.id !== ours) return null
    if (userHandle != null && userHandle !== encodeBase64Url(known.userHandle)) return null
    const key = decodeCredentialPublicKey(publicKey) as CoseKey
    if (isEcdsa(key) && !isEcdsaSignature(decodeBase64Url(signature))) return null
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: credential as unknown as AuthenticationResponseJSON,
      expectedChallenge: clientData.challenge,
      expectedOrigin: [...origins],
      expectedRPID: id,
      credential: { id: ours, publicKey, counter: known.signCount },
      requireUserVerification: true,
    })
    // Whether it may be copied is settled when it is made (§6.1.3).
    if (!verified || authenticationInfo.credentialDeviceType !== known.deviceType) return null
    return { signCount: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp }
  })
}

/** What cannot be read is thrown by the library as errors of any kind. */
async function refusing<T>(verify: () => Promise<T | null>): Promise<T> {
  let cause: unknown
  const verified = await verify().catch((error: unknown) => {
    cause = error
    return null
  })
  if (verified === null) throw new ServerError('unlock_failed', { cause })
  return verified
}
