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
import { sha256 } from '../keyring/digest.ts'

/** `nrt_` and 32 random bytes. Only its hash is stored. */
export type RefreshToken = string & { readonly __brand: 'RefreshToken' }

const prefix = 'nrt_'
const byteLength = 32
const successorLabel = new TextEncoder().encode('nokkel/refresh-successor/v1')

export function generateRefreshToken(): RefreshToken {
  return `${prefix}${encodeBase64Url(crypto.getRandomValues(new Uint8Array(byteLength)))}` as RefreshToken
}

/** `null` for a text that never was one. */
export function parseRefreshToken(text: string): RefreshToken | null {
  try {
    const fits = text.startsWith(prefix) && decodeBase64Url(text.slice(prefix.length)).byteLength === byteLength
    return fits ? (text as RefreshToken) : null
  } catch {
    return null
  }
}

export function hashRefreshToken(token: RefreshToken): Promise<Uint8Array> {
  return sha256(secretOf(token))
}

/** Protects the next token so that only who still holds this one can be given the same next one again. */
export async function sealSuccessor(token: RefreshToken, successor: RefreshToken): Promise<Uint8Array> {
  return encryptEnvelope(secretOf(successor), await successorKey(token), await place(token))
}

/** `null` when it is not the successor of this token. */
export async function openSuccessor(token: RefreshToken, sealed: Uint8Array): Promise<RefreshToken | null> {
  try {
    const secret = await decryptEnvelope(new Uint8Array(sealed), await successorKey(token), await place(token))
    return `${prefix}${encodeBase64Url(secret)}` as RefreshToken
  } catch (cause) {
    if (cause instanceof CryptoError) return null
    throw cause
  }
}

const secretOf = (token: RefreshToken): Uint8Array<ArrayBuffer> => decodeBase64Url(token.slice(prefix.length))

async function successorKey(token: RefreshToken): Promise<EnvelopeKey> {
  const material = await crypto.subtle.importKey('raw', secretOf(token), 'HKDF', false, ['deriveBits'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: successorLabel }
  return importEnvelopeKey(new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256)))
}

async function place(token: RefreshToken): Promise<Context> {
  return {
    purpose: 'refresh-successor',
    table: 'refresh_token',
    column: 'sealed_successor',
    row: encodeBase64Url(await hashRefreshToken(token)),
    owner: 'server',
  }
}
