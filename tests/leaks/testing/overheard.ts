import { vi } from 'vitest'

/** Secrets of this process that nobody is meant to see, taken where they are made. */
export interface Overheard {
  /** Private halves of every pair generated, as the raw scalar. */
  privateScalars(): Promise<Uint8Array[]>
  /** 256-bit symmetric secrets imported while `work` ran: content keys, file keys and what is derived from them. */
  symmetricDuring<T>(work: () => Promise<T>): Promise<{ result: T; secrets: Uint8Array[] }>
  restore(): void
}

/** Makes every generated key extractable, and remembers it. */
export function overhear(): Overheard {
  const { subtle } = crypto
  const [generateKey, importKey] = [subtle.generateKey.bind(subtle), subtle.importKey.bind(subtle)]
  const made: CryptoKey[] = []
  let imported: Uint8Array[] = []
  const spies = [
    vi.spyOn(subtle, 'generateKey').mockImplementation(async (algorithm, _, usages) => {
      const key = (await generateKey(algorithm, true, usages)) as CryptoKey | CryptoKeyPair
      if ('privateKey' in key) made.push(key.privateKey)
      return key as never
    }),
    vi.spyOn(subtle, 'importKey').mockImplementation((...parameters) => {
      const [format, data, algorithm] = parameters as unknown as [string, Uint8Array, string | { name: string }]
      const name = typeof algorithm === 'string' ? algorithm : algorithm.name
      if (format === 'raw' && /^(AES-GCM|HKDF)$/.test(name) && data.byteLength === 32) {
        imported.push(Uint8Array.from(new Uint8Array(ArrayBuffer.isView(data) ? data : new Uint8Array(data))))
      }
      return importKey(...parameters)
    }),
  ]
  return {
    async privateScalars() {
      const jwks = await Promise.all(made.map((key) => subtle.exportKey('jwk', key)))
      return jwks.map(({ d }) => new Uint8Array(Buffer.from(d ?? '', 'base64url')))
    },
    async symmetricDuring(work) {
      imported = []
      const result = await work()
      return { result, secrets: [...imported] }
    },
    restore: () => spies.forEach((spy) => void spy.mockRestore()),
  }
}
