import vectors from '../../../../vectors/rfx.json' with { type: 'json' }
import type { SigningDevice } from '../claims.ts'
import { generateDeviceKeys } from '../device-keys.ts'

export const now = (): Date => new Date('2026-11-21T10:00:00.900Z')
export const { organizationId, rfxId, openingId, bidderId, bidId, companyId } = vectors
export const otherId = '00000000-0000-4000-8000-0000000000ff'
export const userId = vectors.signer.userId
export const deviceId = vectors.signer.deviceId

/** What is not a UUID in lower case. */
export const badIds = ['', 'rfx_1', rfxId.slice(1), `${rfxId}0`, companyId.toUpperCase(), `${rfxId}\n`, `{${rfxId}}`]
/** What is not a whole number from 1. */
export const badNumbers = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, undefined]

export async function createDevice(): Promise<SigningDevice> {
  return { userId, deviceId, signing: (await generateDeviceKeys()).signing }
}

/** The same signed object with one bit of each character turned over. */
export function* flipEachCharacter(text: string): Generator<string, void, undefined> {
  for (let index = 0; index < text.length; index++) {
    yield text.slice(0, index) +
      String.fromCharCode(text.charCodeAt(index) ^ (1 << (index % 7))) +
      text.slice(index + 1)
  }
}
