import type { Rfx as FetchedRfx, RfxGroup } from '@nokkel/contract'
import type { PublicJwk, RfxKey, StatementSigner } from '@nokkel/crypto'
import type { Call } from '../http/api.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

/** The device that signs here. */
export interface RfxAuthor {
  readonly userId: string
  readonly deviceId: string
  readonly signing: CryptoKeyPair
}

export interface GroupKey {
  readonly groupId: string
  readonly version: number
  readonly key: RfxKey
}

/** The newest entry this device has seen of a project. */
export interface SeenHead {
  readonly sequence: number
  readonly digest: string
}

/** A project whose key is open in this page: what reading and writing its content needs of keys, devices and pins. */
export interface OpenedRfx {
  readonly id: string
  readonly organizationId: string
  readonly call: Call
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly now: () => Date
  author(): Promise<RfxAuthor>
  /** As last fetched. */
  fetched(): FetchedRfx
  /** Fetches it anew; after `version_stale` and the like. */
  refresh(): Promise<FetchedRfx>
  /** The present key of the project, its manifest verified. Waits while a new version is made by this person; else throws `rekey_pending`. */
  key(): Promise<GroupKey>
  /** Of an earlier version, too, by the chain of previous keys. Of the project if no group is named. */
  keyOf(version: number, groupId?: string): Promise<RfxKey>
  /** What the server kept of a version of the key of the project, where what `keyOf` gives opens nothing: a member may have passed on another key. */
  keptKeyOf(version: number): Promise<RfxKey | undefined>
  /** The group a company bids through, made if it is not there; its key is open. */
  bidderGroup(companyId: string): Promise<GroupKey>
  /** What to seal bids to, from the verified manifest of the opening group. `openers_missing` when there is none. */
  sealTo(): Promise<{ readonly version: number; readonly publicKey: PublicJwk }>
  /** For openers. */
  openingKeyPair(version: number): Promise<CryptoKeyPair>
  /** The opening group, if the person is in it. */
  opening(): RfxGroup | undefined
  /** Whether the directory, and what this device has seen, give each key that signed to that person and device, at that time. Throws `signature_untrusted`. */
  requireSigner(...signers: readonly StatementSigner[]): Promise<void>
  seenHead(): Promise<SeenHead | undefined>
  /** Never goes back: throws `rfx_rolled_back` when what was seen is newer, or another at the same place. */
  rememberHead(head: SeenHead): Promise<void>
}
