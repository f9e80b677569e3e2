import { decodeBase64Url, open } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'

/** Opens a personnummer that the server has sealed to this device. */
export async function openRevealed(sealed: string, { deviceId, userId, keys }: OwnKeys): Promise<string> {
  const place = { table: 'device_key', column: 'encryption_key', row: deviceId, owner: userId }
  try {
    const bytes = await open(decodeBase64Url(sealed), keys.encryption, { purpose: 'personnummer-reveal', ...place })
    const personnummer = new TextDecoder().decode(bytes)
    bytes.fill(0)
    return personnummer
  } catch {
    throw new NokkelError('answer_unexpected')
  }
}
