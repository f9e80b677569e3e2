import { NokkelError } from '../errors.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { SeenHead } from './opened-rfx.ts'

/** The newest manifest of a group this device has seen, and the commitments of all versions it has seen. */
export interface SeenGroup {
  readonly version: number
  readonly revision: number
  /** Base64url. */
  readonly digest: string
  /** By version, base64url. */
  readonly commitments: Readonly<Record<string, string>>
}

interface SeenRfx {
  readonly groups: SeenGroups
  readonly head?: SeenHead
  /** The person was in it for a supplier. */
  readonly isSupplier?: true
}

/** By id of the group. */
export type SeenGroups = Readonly<Record<string, SeenGroup>>

/** What this device has seen of one project. Nothing in it ever goes back. */
export interface RfxPins {
  /** Read this before asking the server: its answer must not be older. Meanwhile another tab may see more. */
  groups(): Promise<SeenGroups>
  /**
   * Keeps what is newer.
   *
   * @throws {NokkelError} `rfx_rolled_back`: another one of the same version and revision was seen.
   */
  rememberGroup(groupId: string, seen: SeenGroup): Promise<void>
  /** Whether the person was ever in it for a supplier. */
  isSupplier(): Promise<boolean>
  rememberSupplier(): Promise<void>
  head(): Promise<SeenHead | undefined>
  /** @throws {NokkelError} `rfx_rolled_back`: what was seen is newer, or another at the same place. */
  rememberHead(head: SeenHead): Promise<void>
}

interface PinStorage {
  readonly storage: SecureStorage
  readonly lock: Lock
}

function seenRfxName(userId: string, rfxId: string): string {
  return `rfx_v1.${userId}.${rfxId}`
}

export function createRfxPins({ storage, lock }: PinStorage, userId: string, rfxId: string): RfxPins {
  const name = seenRfxName(userId, rfxId)
  const read = async () => ((await storage.get(name)) ?? { groups: {} }) as SeenRfx
  // Two tabs remember one after the other.
  const change = (step: (seen: SeenRfx) => SeenRfx) =>
    lock.run(`rfx_seen.${rfxId}`, async () => {
      const seen = await read()
      const next = step(seen)
      if (next !== seen) await storage.put(name, next)
    })
  return {
    groups: async () => (await read()).groups,
    isSupplier: async () => (await read()).isSupplier === true,
    rememberSupplier: () => change((seen) => (seen.isSupplier ? seen : { ...seen, isSupplier: true })),
    head: async () => (await read()).head,
    rememberGroup: (groupId, group) =>
      change((seen) => {
        const before = seen.groups[groupId]
        if (before && isOlder(group, before)) return seen
        if (before && before.version === group.version && before.revision === group.revision) {
          if (before.digest !== group.digest) throw new NokkelError('rfx_rolled_back')
          return seen
        }
        const commitments = { ...before?.commitments, ...group.commitments }
        return { ...seen, groups: { ...seen.groups, [groupId]: { ...group, commitments } } }
      }),
    rememberHead: (head) =>
      change((seen) => {
        const before = seen.head
        if (before && head.sequence < before.sequence) throw new NokkelError('rfx_rolled_back')
        if (before?.sequence !== head.sequence) return { ...seen, head }
        if (before.digest !== head.digest) throw new NokkelError('rfx_rolled_back')
        return seen
      }),
  }
}

function isOlder(group: SeenGroup, than: SeenGroup): boolean {
  return group.version < than.version || (group.version === than.version && group.revision < than.revision)
}
