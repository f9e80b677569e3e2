/**
 * Where keys and tokens lie on this device. Values are made of JSON values, in which a `CryptoKey` may stand anywhere; what
 * was put comes back equal, never as text that was parsed.
 */
export interface SecureStorage {
  /**
   * Makes ready and proves that a key can be written here.
   *
   * @throws {NokkelError} `storage_unavailable`, `storage_private_mode`, `storage_full`
   */
  open(): Promise<void>
  get(name: string): Promise<unknown>
  put(name: string, value: unknown): Promise<void>
  delete(name: string): Promise<void>
  /** Names that begin with `prefix`. */
  list(prefix: string): Promise<string[]>
  /** Asks that the browser does not clear this when it needs room. */
  persist?(): Promise<boolean>
  /** Tells of names written or deleted in another tab. */
  subscribe?(listener: (name: string) => void): () => void
  close?(): void
}
