import { encodeBase64Url } from '@nokkel/crypto'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'

/** ES256, and RS256, which is all that some Windows Hello can (IANA COSE Algorithms). */
export const algorithms: readonly number[] = [-7, -257]

/** As long as the challenge is good. */
const timeout = 300_000

/**
 * Asks for the one credential of a device. Extensions are for the client to add. The device lists it by what it is for, and not
 * by whose it is: the list outlives the account, and is shown to others who use the device.
 *
 * @see WebAuthn Level 3 §5.4
 */
export function creationOptions(
  rpId: string,
  challenge: Uint8Array,
  userHandle: Uint8Array,
  organizationName: string,
): PublicKeyCredentialCreationOptionsJSON {
  const name = `Nøkkel – ${organizationName}`
  return {
    rp: { id: rpId, name: 'Nøkkel' },
    user: { id: encodeBase64Url(userHandle), name, displayName: name },
    challenge: encodeBase64Url(challenge),
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout,
    excludeCredentials: [],
    authenticatorSelection: {
      authenticatorAttachment: 'platform',
      // We always name the credential, so it need not be discoverable; but Android evaluates PRF only for one that is.
      residentKey: 'preferred',
      userVerification: 'required',
    },
    hints: ['client-device'],
    attestation: 'none',
  }
}

/** @see WebAuthn Level 3 §5.5 */
export function requestOptions(
  rpId: string,
  challenge: Uint8Array,
  credentialId: Uint8Array,
): PublicKeyCredentialRequestOptionsJSON {
  return {
    challenge: encodeBase64Url(challenge),
    timeout,
    rpId,
    allowCredentials: [{ type: 'public-key', id: encodeBase64Url(credentialId), transports: ['internal'] }],
    userVerification: 'required',
    hints: ['client-device'],
  }
}
