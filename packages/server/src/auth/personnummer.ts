import { idnr } from '@navikt/fnrvalidator'
import { encodeBase64Url } from '@nokkel/crypto'

/** A fødselsnummer or D-number with valid check digits. Never stored, logged or put in an error. */
export type Personnummer = string & { readonly __brand: 'Personnummer' }

/** Key-dependent and one-way: equal numbers have equal indexes, and nothing else can be learned from one. */
interface PersonnummerIndex {
  readonly index: Uint8Array
  readonly keyId: string
}

export type IndexPersonnummer = (personnummer: Personnummer) => Promise<PersonnummerIndex>

const real = new Set(['fnr', 'dnr'])
const synthetic = new Set(['tnr', 'dnr-and-tnr'])
const text = new TextEncoder()

/** @param allowSynthetic - Whether the numbers of made-up people count, too: never in production. */
export function parsePersonnummer(value: unknown, allowSynthetic: boolean): Personnummer | null {
  if (typeof value !== 'string') return null
  const result = idnr(value)
  if (result.status !== 'valid') return null
  return real.has(result.type) || (allowSynthetic && synthetic.has(result.type)) ? (value as Personnummer) : null
}

export interface PersonnummerIndexing {
  readonly index: IndexPersonnummer
  /** Names the index key without telling anything of it. */
  keyId(): Promise<string>
}

/**
 * HMAC-SHA-256 under a key derived from the index key for this one field.
 *
 * @param indexKey - 32 secret bytes, other than the master key. Losing it means that known people cannot be recognised.
 * @throws {TypeError} `indexKey` has another length.
 */
export function createPersonnummerIndex(indexKey: Uint8Array): PersonnummerIndexing {
  if (!(indexKey instanceof Uint8Array) || indexKey.byteLength !== 32) {
    throw new TypeError('The index key must be 32 bytes.')
  }
  const keyed = deriveHmac(new Uint8Array(indexKey))
  return {
    index: async (personnummer) => {
      const { hmac, keyId } = await keyed
      return { index: await hmac(personnummer), keyId }
    },
    keyId: async () => (await keyed).keyId,
  }
}

async function deriveHmac(indexKey: Uint8Array<ArrayBuffer>) {
  const root = await crypto.subtle.importKey('raw', indexKey, 'HKDF', false, ['deriveKey'])
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: text.encode('nokkel/index/personnummer/v1') },
    root,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
  const hmac = async (value: string) => new Uint8Array(await crypto.subtle.sign('HMAC', key, text.encode(value)))
  return { hmac, keyId: encodeBase64Url((await hmac('nokkel/key-id/v1')).subarray(0, 16)) }
}
