import type { Page } from 'playwright'

export interface StoredThings {
  /** What the values are stored under. */
  readonly names: readonly string[]
  /** The stored bytes, each as one character. */
  readonly bytes: string
  readonly privateKeys: readonly { readonly algorithm: string; readonly exported: readonly string[] }[]
}

/** Reads what the browser keeps for the page the way a thief in the page would, past the SDK. */
export async function readStorage(page: Page): Promise<StoredThings> {
  return page.evaluate(async () => {
    const request = <T>(made: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        made.onsuccess = () => resolve(made.result)
        made.onerror = () => reject(made.error)
      })
    const database = await request(indexedDB.open('nokkel'))
    const store = (name: string) => database.transaction(name).objectStore(name)
    const names = (await request(store('value').getAllKeys())).map(String)
    const rows: { envelope: Uint8Array; keys: CryptoKey[] }[] = await request(store('value').getAll())
    const envelopeKeys: { key: CryptoKey }[] = await request(store('key').getAll())
    database.close()

    const secrets = [...rows.flatMap(({ keys }) => keys), ...envelopeKeys.flatMap((key) => Object.values(key))].filter(
      (key): key is CryptoKey => key instanceof CryptoKey && key.type !== 'public',
    )
    const privateKeys = await Promise.all(
      secrets.map(async (key) => {
        const formats = key.type === 'secret' ? (['raw', 'jwk'] as const) : (['pkcs8', 'jwk'] as const)
        const attempts = await Promise.allSettled(formats.map((format) => crypto.subtle.exportKey(format, key)))
        const exported = formats.filter((_, index) => attempts[index]?.status === 'fulfilled')
        return { algorithm: key.algorithm.name, exported }
      }),
    )
    const bytes = rows
      .map(({ envelope }) => Array.from(envelope, (byte) => String.fromCharCode(byte)).join(''))
      .join('')
    return { names, bytes, privateKeys }
  })
}
