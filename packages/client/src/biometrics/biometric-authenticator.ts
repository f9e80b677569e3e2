import type { UnlockCredential } from '@nokkel/contract'
import { lazily } from '../lazily.ts'

/** What the server gave to call the authenticator with: JSON of WebAuthn Level 3 §5.1.8. */
export interface CredentialOptions {
  readonly challenge: string
  readonly [member: string]: unknown
}

export interface CeremonyOptions {
  /** Asks for the secret that belongs to this salt (extension `prf`). Without effect where the authenticator has none. */
  readonly prfSalt?: Uint8Array<ArrayBuffer>
  /** Takes the question back. */
  readonly signal?: AbortSignal
}

/** A credential, and the host it is for. */
export interface MadeCredential {
  readonly id: string
  readonly rpId: string
}

export interface CeremonyResult {
  readonly credential: UnlockCredential
  /** 32 bytes that only this credential gives, for the salt that was asked for. The caller overwrites them. */
  readonly prf?: Uint8Array<ArrayBuffer>
}

/**
 * What asks for a face, finger or PIN. An application with an authenticator of its own, as in the shell of a native app, gives
 * another one to `createNokkel`.
 */
export interface BiometricAuthenticator {
  /** Whether this device can verify the person, and lets this page ask it to. Asks nobody anything. */
  isAvailable(): Promise<boolean>
  /**
   * Makes a credential, bound to this device and to verification of the person.
   *
   * @param options - `PublicKeyCredentialCreationOptionsJSON`
   * @throws {NokkelError} `biometrics_cancelled`, `biometrics_unavailable`, `unlock_failed`
   */
  create(options: CredentialOptions, ceremony?: CeremonyOptions): Promise<CeremonyResult>
  /**
   * Signs a challenge with a credential made before.
   *
   * @param options - `PublicKeyCredentialRequestOptionsJSON`
   * @throws {NokkelError} `biometrics_cancelled`: also when the credential is not there any more, which no browser tells;
   * `biometrics_unavailable`, `unlock_failed`
   */
  get(options: CredentialOptions, ceremony?: CeremonyOptions): Promise<CeremonyResult>
  /** Tells the device that nobody takes this credential any more, so that it may delete it. */
  forget?(credential: MadeCredential): Promise<void>
}

const load = lazily(() => import('./web-authenticator.ts'))

/** The platform authenticator of this browser, by WebAuthn. */
export const webAuthenticator: BiometricAuthenticator = {
  isAvailable: async () => (await load()).isAvailable(),
  create: async (options, ceremony) => (await load()).create(options, ceremony),
  get: async (options, ceremony) => (await load()).get(options, ceremony),
  forget: async (credential) => (await load()).forget(credential),
}
