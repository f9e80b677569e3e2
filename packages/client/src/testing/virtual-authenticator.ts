import { cdp } from 'vitest/browser'

interface ProtocolSession {
  send(method: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>>
}

export interface VirtualAuthenticatorOptions {
  /** Whether it gives secrets. Default: true. */
  readonly hasPrf?: boolean
  /** Whether the person passes. Default: true. */
  readonly isUserVerified?: boolean
  /** Whether the person is there to answer. Default: true. */
  readonly answers?: boolean
}

/** The platform authenticator of this Chromium, until `remove`. There can be one at a time. */
export async function addVirtualAuthenticator(options: VirtualAuthenticatorOptions = {}) {
  const { hasPrf = true, isUserVerified = true, answers = true } = options
  const session = cdp() as unknown as ProtocolSession
  let authenticatorId = await add(isUserVerified)

  async function add(isVerified: boolean) {
    await session.send('WebAuthn.enable')
    const added = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        automaticPresenceSimulation: answers,
        isUserVerified: isVerified,
        hasPrf,
      },
    })
    return added.authenticatorId
  }

  async function remove() {
    await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    await session.send('WebAuthn.disable')
  }

  return {
    remove,
    /** Whoever is asked does not pass, from now on. */
    refuse: () => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false }),
    /** Whoever is asked passes again. One that has refused is blocked: another one takes over what it has. */
    async recover() {
      const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId })
      await remove()
      authenticatorId = await add(true)
      for (const credential of credentials as object[]) {
        await session.send('WebAuthn.addCredential', { authenticatorId, credential })
      }
    },
    /** Its credentials are gone. */
    lose: () => session.send('WebAuthn.clearCredentials', { authenticatorId }),
  }
}

export type VirtualAuthenticator = Awaited<ReturnType<typeof addVirtualAuthenticator>>
