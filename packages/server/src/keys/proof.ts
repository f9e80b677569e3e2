import { CryptoError, type JwsType, type PublicJwk, type Thumbprint, verifyJws } from '@nokkel/crypto'
import { z } from 'zod'
import { ServerError } from '../http/server-error.ts'

/** How far the clock of a device may be off, in seconds. */
const clockToleranceSeconds = 300

const uuid = z.uuid()
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const iat = z.int()

/** Payload of a registration; suites are algorithm numbers of docs/spec, of which 2 is the one everyone can open. */
export const RegistrationPayload = z.strictObject({
  v: z.literal(1),
  id: uuid,
  challenge: bytes32,
  nonce: bytes32,
  user: uuid,
  session: uuid,
  encryptionKey: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: bytes32, y: bytes32 }),
  suites: z
    .array(z.int().min(1).max(255))
    .min(1)
    .max(16)
    .refine((suites) => suites.includes(2)),
  name: z
    .string()
    .min(1)
    .max(80)
    .refine((name) => !/\p{Cc}/u.test(name)),
  replaces: z.boolean(),
  iat,
})

/** Payload of the proof that a device known from before resumes. */
export const ResumePayload = z.strictObject({ session: uuid, thumbprint: bytes32, iat })

export interface DeviceProof<Payload> {
  readonly payload: Payload
  readonly signingKey: PublicJwk
  readonly signingThumbprint: Thumbprint
}

/** @throws {ServerError} `device_proof_invalid`: the signature, the form of the payload or its time. */
export async function verifyDeviceProof<Payload extends { readonly iat: number }>(
  proof: string,
  typ: JwsType,
  schema: z.ZodType<Payload>,
  now: Date,
): Promise<DeviceProof<Payload>> {
  const verified = await verifyJws(proof, typ).catch((cause: unknown) => {
    if (cause instanceof CryptoError) throw new ServerError('device_proof_invalid', { cause })
    throw cause
  })
  const { success, data: payload } = schema.safeParse(verified.payload)
  if (!success) throw new ServerError('device_proof_invalid', { detail: 'payload' })
  if (Math.abs(now.getTime() / 1000 - payload.iat) > clockToleranceSeconds) {
    throw new ServerError('device_proof_invalid', { detail: 'iat' })
  }
  return { payload, signingKey: verified.jwk, signingThumbprint: verified.thumbprint }
}
