import { decodeBase64Url } from '@nokkel/crypto'
import { ServerError } from './server-error.ts'

/** @throws {ServerError} `request_malformed`: not base64url in its one spelling. */
export function decode(text: string, name: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64Url(text)
  } catch (cause) {
    throw new ServerError('request_malformed', { detail: name, cause })
  }
}
