import type { CompanyService } from '../companies/company-service.ts'
import type { ManagedKeyView } from '../user-keys/managed-key.ts'
import type { UserKeyService } from '../user-keys/user-key-service.ts'

/** The keys that the person, and the companies they are in, have or had. */
export interface OwnThumbprints {
  /** The key with this thumbprint, if it is one of theirs. */
  find(owner: 'user' | 'company', ownerId: string, thumbprint: string): Promise<ManagedKeyView | undefined>
}

export function createOwnThumbprints(
  userKeys: Pick<UserKeyService, 'list'>,
  companies: Pick<CompanyService, 'get'>,
): OwnThumbprints {
  const lists = new Map<string, readonly ManagedKeyView[]>()
  return {
    async find(owner, ownerId, thumbprint) {
      const isIt = (key: ManagedKeyView) => key.thumbprint === thumbprint
      const known = lists.get(ownerId)?.find(isIt)
      if (known) return known
      const list = owner === 'user' ? await userKeys.list() : (await companies.get(ownerId)).keys
      lists.set(ownerId, list)
      return list.find(isIt)
    },
  }
}
