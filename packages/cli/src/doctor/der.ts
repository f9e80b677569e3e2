/** One element: its tag, its content, and where the next one begins. */
interface Element {
  readonly tag: number
  readonly content: Uint8Array
  readonly end: number
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06

/**
 * Whether the bytes begin with a private key: PKCS#8 (RFC 5958), encrypted PKCS#8, PKCS#1 (RFC 8017 appendix A.1.2) or
 * SEC1 (RFC 5915). Public keys and certificates have other shapes.
 */
export function isPrivateKeyDer(bytes: Uint8Array): boolean {
  const outer = readElement(bytes, 0)
  if (outer?.tag !== SEQUENCE) return false
  const elements = readAll(outer.content)
  const [first, second, third] = elements
  if (!first || !second) return false
  if (first.tag === SEQUENCE) {
    return elements.length === 2 && isAlgorithm(first) && second.tag === OCTET_STRING && second.content.length >= 32
  }
  if (first.tag !== INTEGER || first.content.length !== 1) return false
  const version = first.content[0]
  if (second.tag === SEQUENCE) return isAlgorithm(second) && third?.tag === OCTET_STRING
  if (second.tag === OCTET_STRING) return version === 1 && second.content.length >= 28 && second.content.length <= 66
  return version === 0 && elements.length >= 9 && elements.every(({ tag }) => tag === INTEGER)
}

const isAlgorithm = ({ content }: Element): boolean => readElement(content, 0)?.tag === OBJECT_IDENTIFIER

function readAll(bytes: Uint8Array): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes, at)
    if (!element) return []
    elements.push(element)
    at = element.end
  }
  return elements
}

function readElement(bytes: Uint8Array, at: number): Element | null {
  const [tag, short] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || short === undefined) return null
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f
  if (short === 0x80 || lengthBytes > 3) return null
  const begin = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? short : bytes.subarray(at + 2, begin).reduce((sum, byte) => sum * 256 + byte, 0)
  const end = begin + length
  return end > bytes.length ? null : { tag, content: bytes.subarray(begin, end), end }
}
