import type { Member } from '@nokkel/contract'
import type { Call } from '../http/api.ts'

/** One page of a list; without `nextCursor` it is the last. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor?: string
}

export interface PageOptions {
  readonly cursor?: string | undefined
  /** 1 to 200. Default 50. */
  readonly limit?: number
  readonly signal?: AbortSignal | undefined
}

/** The people of the organisation with their devices; for coordinators and administrators. */
export interface MemberService {
  list(options?: PageOptions & { readonly search?: string }): Promise<Page<Member>>
  /** Named members, in any number. Unknown ids are left out. */
  lookup(ids: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<Member[]>
}

const lookupLimit = 200

export function createMemberService(call: Call): MemberService {
  return {
    async list({ search, cursor, limit, signal } = {}) {
      const query = {
        ...(search ? { search } : {}),
        ...(cursor === undefined ? {} : { cursor }),
        ...(limit === undefined ? {} : { limit }),
      }
      const { members, nextCursor } = await call('listMembers', { query }, { signal })
      return { items: members, ...(nextCursor === undefined ? {} : { nextCursor }) }
    },
    async lookup(ids, { signal } = {}) {
      const wanted = [...new Set(ids)]
      const found: Member[] = []
      for (let start = 0; start < wanted.length; start += lookupLimit) {
        const body = { ids: wanted.slice(start, start + lookupLimit) }
        found.push(...(await call('getMembersById', { body }, { signal })).members)
      }
      return found
    },
  }
}
