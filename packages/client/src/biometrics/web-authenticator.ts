import type { UnlockCredential } from '@nokkel/contract'
import {
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  platformAuthenticatorIsAvailable,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser'
import { NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { CeremonyOptions, CeremonyResult, CredentialOptions, MadeCredential } from './biometric-authenticator.ts'

type Answer = RegistrationResponseJSON | AuthenticationResponseJSON

export async function isAvailable(): Promise<boolean> {
  return platformAuthenticatorIsAvailable().catch(() => false)
}

export async function create(options: CredentialOptions, ceremony: CeremonyOptions = {}): Promise<CeremonyResult> {
  const optionsJSON = withPrf(options, ceremony) as unknown as PublicKeyCredentialCreationOptionsJSON
  return run(() => startRegistration({ optionsJSON }), ceremony)
}

export async function get(options: CredentialOptions, ceremony: CeremonyOptions = {}): Promise<CeremonyResult> {
  const optionsJSON = withPrf(options, ceremony) as unknown as PublicKeyCredentialRequestOptionsJSON
  return run(() => startAuthentication({ optionsJSON }), ceremony)
}

/** WebAuthn Level 3 §5.1.10.2; without effect where the browser does not have it. */
export async function forget({ id, rpId }: MadeCredential): Promise<void> {
  const { PublicKeyCredential: webAuthn } = globalThis as {
    readonly PublicKeyCredential?: {
      readonly signalUnknownCredential?: (options: { rpId: string; credentialId: string }) => Promise<void>
    }
  }
  await webAuthn?.signalUnknownCredential?.({ rpId, credentialId: id })
}

/** The salt goes in as bytes: the library converts what JSON has as text, but nothing of this extension. */
function withPrf(options: CredentialOptions, { prfSalt }: CeremonyOptions): CredentialOptions {
  if (!prfSalt) return options
  const extensions = { ...(options.extensions as object | undefined), prf: { eval: { first: prfSalt } } }
  return { ...options, extensions }
}

async function run(start: () => Promise<Answer>, { signal }: CeremonyOptions): Promise<CeremonyResult> {
  if (signal?.aborted) throw new NokkelError('biometrics_cancelled')
  const abort = () => WebAuthnAbortService.cancelCeremony()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return resultOf(await start())
  } catch (cause) {
    throw new NokkelError(codeOfFailure(cause), { cause })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** What extensions gave stays on this device: the secret of `prf` is among it. */
function resultOf({ clientExtensionResults, ...answer }: Answer): CeremonyResult {
  const { prf } = clientExtensionResults as { prf?: { results?: { first?: ArrayBuffer } } }
  const credential = { ...answer, clientExtensionResults: {} } as unknown as UnlockCredential
  return { credential, ...(prf?.results?.first && { prf: new Uint8Array(prf.results.first) }) }
}

function codeOfFailure(error: unknown): NokkelErrorCode {
  const name = error instanceof Error || error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'AbortError') return 'biometrics_cancelled'
  // Nothing here can verify the person, or not for this page.
  if (name === 'NotSupportedError' || name === 'SecurityError' || name === 'ConstraintError') {
    return 'biometrics_unavailable'
  }
  return 'unlock_failed'
}
