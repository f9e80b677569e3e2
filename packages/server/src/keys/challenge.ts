import type { AnswerOf, createDeviceChallenge as operation } from '@nokkel/contract'
import { CryptoError, calculateThumbprint, encodeBase64Url, type PublicJwk, seal } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { requireLiveSession } from './session.ts'
import { storeChallenge } from './store.ts'

/** Only the holder of the private half can open the nonce; only its hash is kept here. */
export async function createChallenge(
  database: Database,
  claims: Claims,
  encryptionKey: PublicJwk,
): Promise<AnswerOf<typeof operation>> {
  await requireLiveSession(database, claims)
  const id = crypto.randomUUID()
  const challenge = crypto.getRandomValues(new Uint8Array(32))
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  const context = { purpose: 'device-registration', table: 'device_key', column: 'nonce', row: id, owner: claims.sub }
  const sealedNonce = await seal(nonce, encryptionKey, context).catch((cause: unknown) => {
    if (cause instanceof CryptoError) throw new ServerError('request_malformed', { detail: 'encryptionKey', cause })
    throw cause
  })
  const expiresAt = await storeChallenge(database, {
    id,
    sessionId: claims.sid,
    encryptionThumbprint: await calculateThumbprint(encryptionKey),
    challenge,
    nonceHash: new Uint8Array(await crypto.subtle.digest('SHA-256', nonce)),
  })
  return {
    id,
    challenge: encodeBase64Url(challenge),
    sealedNonce: encodeBase64Url(sealedNonce),
    expiresAt: instant(expiresAt),
  }
}
