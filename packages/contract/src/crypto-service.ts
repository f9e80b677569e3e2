import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { MAXIMUM_INTEGER, Uuid } from './scalars.ts'

/**
 * Base64 with padding (RFC 4648 §4), as EKM-05 software writes it. Checked where it is decoded: a regular expression
 * remembers what it was tried on, which may be a private key.
 */
const base64 = (minimumLength: number, maximumLength: number) =>
  z.string().min(minimumLength).max(maximumLength).openapi({ format: 'byte' })

/** An RSA-4096 private key as PKCS#8 in base64. */
const PrivateKeyText = base64(3000, 3300).openapi({ description: 'PKCS#8 of an RSA-4096 private key, DER in base64.' })

const Plain = { text: PrivateKeyText }
const Sealed = { data: base64(64, 4096), iv: base64(16, 16) }
const Wrapped = {
  rfxId: Uuid,
  version: z.int().min(1).max(MAXIMUM_INTEGER),
  via: z.enum(['user', 'company']),
}

/** A batch is of one owner: whoever the access token says. */
const CRYPTO_SERVICE_BATCH = 100
const batch = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(CRYPTO_SERVICE_BATCH)

/** The key that the new one replaces: the active one, or there must be none. */
const replaces = { replaces: Uuid.optional() }

const Encrypt = z.strictObject({ action: z.literal('encrypt'), ...Plain, ...replaces })
const EncryptBatch = z.strictObject({ action: z.literal('encrypt'), items: batch(z.strictObject(Plain)), ...replaces })
const Decrypt = z.strictObject({ action: z.literal('decrypt'), ...Sealed })
const DecryptBatch = z.strictObject({ action: z.literal('decrypt'), items: batch(z.strictObject(Sealed)) })
const Unwrap = z.strictObject({ action: z.literal('unwrap'), ...Wrapped })
const UnwrapBatch = z.strictObject({ action: z.literal('unwrap'), items: batch(z.strictObject(Wrapped)) })

export const CryptoServiceRequest = z
  .union([Decrypt, DecryptBatch, Unwrap, UnwrapBatch, Encrypt, EncryptBatch])
  .openapi('CryptoServiceRequest')
export type CryptoServiceRequest = z.infer<typeof CryptoServiceRequest>

/** What became of a private key: stored for its owner, the columns as they stand now. */
const StoredKey = z.strictObject({ keyId: Uuid, publicKey: z.string(), data: z.string(), iv: z.string() })
const OpenedText = z.strictObject({ text: z.string() })
const OpenedKey = z.strictObject({ key: z.string().openapi({ description: '32 bytes in base64.' }) })
/** An item that was refused; the others of its batch are not affected. */
const RefusedItem = z.strictObject({ code: z.string() })

export const CryptoServiceAnswer = z
  .union([
    StoredKey,
    OpenedText,
    OpenedKey,
    z.strictObject({ items: z.array(z.union([StoredKey, OpenedText, OpenedKey, RefusedItem])) }),
  ])
  .openapi('CryptoServiceAnswer')
export type CryptoServiceAnswer = z.infer<typeof CryptoServiceAnswer>

export const cryptoService = operation({
  method: 'post',
  path: '/crypto-service',
  tags: ['Managed keys'],
  summary:
    'Wrap a private key of one’s own and store it, open one’s own, or unwrap an RFX key one may read now. A batch has up to 100 items, in order, each answered for itself; of several keys encrypted at once the last becomes active, and when that one is refused none is stored.',
  request: { body: CryptoServiceRequest },
  responses: { 200: CryptoServiceAnswer },
  maximumBodyBytes: 524_288,
})
