import type { Me } from '@nokkel/contract'
import {
  type AssignmentReader,
  type Clock,
  decodeBase64Url,
  encodeBase64Url,
  type SealedAssignment,
} from '@nokkel/crypto'
import { codeOf } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { MemberService } from '../members/member-service.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

/** What it takes to send, open and send again. */
export interface AssignmentTools {
  readonly call: Call
  readonly members: MemberService
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly own: () => Promise<OwnKeys>
  readonly me: () => Promise<Me>
  readonly now: Clock
}

const attemptLimit = 3

/** Tries anew when a device came or went between fetching the devices and sending. */
export async function withCurrentDevices<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      const stale = codeOf(error) === 'recipients_changed' || codeOf(error) === 'revision_stale'
      if (!stale || attempt === attemptLimit) throw error
    }
  }
}

export function wireKey({ userId, deviceId, wrappedKey }: SealedAssignment['keys'][number]) {
  return { userId, deviceId, wrappedKey: encodeBase64Url(wrappedKey) }
}

export function readerOf({ userId, deviceId, keys }: OwnKeys, wrappedKey: string): AssignmentReader {
  return { userId, deviceId, wrappedKey: decodeBase64Url(wrappedKey), encryption: keys.encryption }
}
