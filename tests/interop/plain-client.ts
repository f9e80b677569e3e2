/**
 * A client as the description of EKM-05 has it, written from that text alone: it knows the column, the request and
 * WebCrypto, and nothing of this project.
 */

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
const toBase64 = (bytes: ArrayBuffer) =>
  btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(''))

type Fetch = (path: string, init: RequestInit) => Promise<Response>

async function callCryptoService(fetch: Fetch, token: string, body: object): Promise<Record<string, string>> {
  const response = await fetch('/crypto-service', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`crypto-service answered ${response.status}`)
  return response.json()
}

/** §2.1, Appendix C, example 1: sends the private key to be encrypted; gives what is stored. */
export async function encryptPrivateKeyOnServer(fetch: Fetch, token: string, privateKeyBase64: string) {
  const { data, iv } = await callCryptoService(fetch, token, { action: 'encrypt', text: privateKeyBase64 })
  return JSON.stringify({ data, iv })
}

/** §2.3: gives the private key as base64. */
export async function decryptPrivateKeyOnServer(fetch: Fetch, token: string, encryptedPrivateKeyJson: string) {
  const encryptedData = JSON.parse(encryptedPrivateKeyJson)
  const { data, iv } = encryptedData
  const result = await callCryptoService(fetch, token, { action: 'decrypt', data, iv })
  return result.text ?? ''
}

const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }

/** §3.1: the symmetric key of a project, encrypted with somebody's public key. */
export async function encryptSymmetricKey(publicKeyBase64: string, symmetricKey: Uint8Array<ArrayBuffer>) {
  const publicKey = await crypto.subtle.importKey('spki', fromBase64(publicKeyBase64), algorithm, false, ['encrypt'])
  return toBase64(await crypto.subtle.encrypt({ name: 'RSA-OAEP' }, publicKey, symmetricKey))
}

/** Appendix C, example 3: opens it again in the memory of the browser. */
export async function decryptSymmetricKey(privateKeyBase64: string, encryptedSymmetricKey: string) {
  const privateKey = await crypto.subtle.importKey('pkcs8', fromBase64(privateKeyBase64), algorithm, false, ['decrypt'])
  const opened = await crypto.subtle.decrypt({ name: 'RSA-OAEP' }, privateKey, fromBase64(encryptedSymmetricKey))
  return new Uint8Array(opened)
}

/** §2.1: a key pair of the browser; the private half as base64. */
export async function exportPrivateKey(privateKey: CryptoKey) {
  return toBase64(await crypto.subtle.exportKey('pkcs8', privateKey))
}
