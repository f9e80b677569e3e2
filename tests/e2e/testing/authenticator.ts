import type { CDPSession, Page } from 'playwright'

type Credential = Awaited<ReturnType<typeof credentialsOf>>[number]

/** What stands in for the face, finger or PIN of the device that a page is on. */
export interface Authenticator {
  /** How often it has made a credential, and how often it has used one. */
  readonly count: { readonly made: number; readonly used: number }
  /** Whether it will recognise the person. */
  recognise(recognises: boolean): Promise<void>
  /** Whether somebody is there at all: where nobody is, the question stands. */
  attend(present: boolean): Promise<void>
  credentials(): Promise<Credential[]>
  /** Loses all it has made, as when the person deletes it in the settings of the device. */
  forget(): Promise<void>
  /** As it is for a page that has none. What it has made goes into the next one. */
  unplug(): Promise<Credential[]>
}

interface AuthenticatorOptions {
  /** What one before it had made on this device. */
  readonly credentials?: readonly Credential[]
  /** Whether it gives secrets (extension `prf`). Default `true`. */
  readonly prf?: boolean
  /** Whether what it makes is copied to other devices. Default `false`. */
  readonly backedUp?: boolean
}

/** Gives a page a platform authenticator, as the debugger of Chromium makes one. It stays through reloads, and goes with the page. */
export async function addAuthenticator(page: Page, options: AuthenticatorOptions = {}): Promise<Authenticator> {
  const { credentials = [], prf = true, backedUp = false } = options
  const session = await page.context().newCDPSession(page)
  const count = { made: 0, used: 0 }
  await session.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: prf,
      defaultBackupEligibility: backedUp,
      defaultBackupState: backedUp,
    },
  })
  for (const credential of credentials) await session.send('WebAuthn.addCredential', { authenticatorId, credential })
  session.on('WebAuthn.credentialAdded', () => {
    count.made += 1
  })
  session.on('WebAuthn.credentialAsserted', () => {
    count.used += 1
  })
  return {
    count,
    recognise: async (isUserVerified) => {
      await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    },
    attend: async (enabled) => {
      await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    },
    credentials: () => credentialsOf(session, authenticatorId),
    forget: async () => {
      await session.send('WebAuthn.clearCredentials', { authenticatorId })
    },
    async unplug() {
      const made = await credentialsOf(session, authenticatorId)
      await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
      await session.detach()
      return made
    },
  }
}

async function credentialsOf(session: CDPSession, authenticatorId: string) {
  return (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials
}
