import type { Me } from '@nokkel/contract'
import type { Clock } from '@nokkel/crypto'
import type { CompanyService } from '../companies/company-service.ts'
import type { Call } from '../http/api.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { UserKeyService } from '../user-keys/user-key-service.ts'
import type { KeyWrapper } from './key-wrapper.ts'

export interface RfxDependencies {
  readonly call: Call
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly now: Clock
  readonly own: () => Promise<OwnKeys>
  readonly me: () => Promise<Me>
  readonly userKeys: UserKeyService
  readonly companies: CompanyService
  /** Default: Workers. */
  readonly keyWrapper?: KeyWrapper | undefined
}
