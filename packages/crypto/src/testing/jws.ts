import { decodeBase64Url, encodeBase64Url } from '../base64url.ts'
import { fromHex, toHex } from './bytes.ts'

const orderOfP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same signed object under the other valid signature, (r, n − s), which anyone can make. */
export function withOtherSignature(jws: string): string {
  const end = jws.lastIndexOf('.') + 1
  const signature = toHex(decodeBase64Url(jws.slice(end)))
  const s = orderOfP256 - BigInt(`0x${signature.slice(64)}`)
  return jws.slice(0, end) + encodeBase64Url(fromHex(signature.slice(0, 64) + s.toString(16).padStart(64, '0')))
}
