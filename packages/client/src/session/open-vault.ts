import {
  type Context,
  CryptoError,
  decodeBase64Url,
  decryptEnvelope,
  type EnvelopeKey,
  encodeBase64Url,
  encryptEnvelope,
  importEnvelopeKey,
} from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'

/** The value of one name in the storage, of one person. */
export interface VaultPlace {
  readonly name: string
  readonly column: string
  readonly userId: string
}

/** The key belongs to one session; another one has to get it from the authenticator again. */
export interface OpenVault {
  hold(sessionId: string, key: EnvelopeKey): void
  /**
   * base64url of an envelope.
   *
   * @throws {NokkelError} `locked`: neither this tab nor another open one has the key.
   */
  encrypt(sessionId: string, place: VaultPlace, text: string): Promise<string>
  /** @throws {NokkelError} `locked`: also when it is under another key, or was altered. */
  decrypt(sessionId: string, place: VaultPlace, envelope: string): Promise<string>
  forget(): void
  close(): void
}

const channelName = 'nokkel.vault'
const answerMilliseconds = 250
const utf8 = new TextEncoder()

type Message =
  | { readonly wanted: string; readonly sessionId?: undefined }
  | { readonly sessionId: string; readonly key: EnvelopeKey; readonly wanted?: undefined }

export function createOpenVault(): OpenVault {
  let held: { readonly sessionId: string; readonly key: EnvelopeKey } | undefined
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(channelName)
  channel?.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (held && data.wanted === held.sessionId) channel.postMessage(held satisfies Message)
  })
  // In Node it is no reason to stay.
  ;(channel as { unref?: () => void } | undefined)?.unref?.()

  return {
    hold(sessionId, key) {
      held = { sessionId, key }
    },
    async encrypt(sessionId, place, text) {
      return encodeBase64Url(await encryptEnvelope(utf8.encode(text), await keyOf(sessionId), contextOf(place)))
    },
    async decrypt(sessionId, place, envelope) {
      const key = await keyOf(sessionId)
      try {
        return new TextDecoder().decode(await decryptEnvelope(decodeBase64Url(envelope), key, contextOf(place)))
      } catch (cause) {
        if (cause instanceof CryptoError) throw new NokkelError('locked', { cause })
        throw cause
      }
    },
    forget() {
      held = undefined
    },
    close() {
      held = undefined
      channel?.close()
    },
  }

  async function keyOf(sessionId: string): Promise<EnvelopeKey> {
    if (held?.sessionId === sessionId) return held.key
    const key = channel && (await ask(channel, sessionId))
    if (!key) throw new NokkelError('locked')
    held = { sessionId, key }
    return key
  }

  function ask(on: BroadcastChannel, sessionId: string): Promise<EnvelopeKey | undefined> {
    return new Promise((resolve) => {
      const end = (key?: EnvelopeKey) => {
        clearTimeout(timer)
        on.removeEventListener('message', receive)
        resolve(key)
      }
      const receive = ({ data }: MessageEvent<Message>) => {
        if (data.sessionId === sessionId) end(data.key)
      }
      const timer = setTimeout(end, answerMilliseconds)
      on.addEventListener('message', receive)
      on.postMessage({ wanted: sessionId } satisfies Message)
    })
  }
}

/** SHA-256 of `nokkel/prf/v1` and the id of the person: what the authenticator is asked for the secret of. */
export async function derivePrfSalt(userId: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(`nokkel/prf/v1${userId}`)))
}

/** @param secret - What the authenticator gave; overwritten. */
export async function deriveVaultKey(secret: Uint8Array<ArrayBuffer>): Promise<EnvelopeKey> {
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  secret.fill(0)
  const info = utf8.encode('nokkel/client-vault/v1')
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256))
  const key = await importEnvelopeKey(bytes)
  bytes.fill(0)
  return key
}

function contextOf({ name, column, userId }: VaultPlace): Context {
  return { purpose: 'client-vault', table: 'storage', column, row: name, owner: userId }
}
