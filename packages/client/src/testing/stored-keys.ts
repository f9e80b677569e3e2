/** Something in the storage of a page that is, or holds, a private key. */
export interface StoredKey {
  readonly place: 'localStorage' | 'sessionStorage' | 'cookie' | 'IndexedDB' | 'cache'
  readonly form: 'bytes' | 'base64' | 'hexadecimal' | 'PEM' | 'JWK' | 'CryptoKey'
}

/**
 * Looks for private keys in everything a page can store, the way a thief in the page would. It runs in the page by itself, so
 * all that it needs stands inside.
 */
export async function findStoredKeys(): Promise<StoredKey[]> {
  const found: StoredKey[] = []

  // Version and algorithm of PKCS#8 for RSA and for elliptic curves (RFC 5958), and the head of an RSAPrivateKey of 4096
  // bits (RFC 8017), each byte as one character.
  const heads = [
    '\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01',
    '\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01',
    '\x02\x01\x00\x02\x82\x02\x01\x00',
  ]
  const isKey = (bytes: string) => heads.some((head) => bytes.includes(head))

  const fromBase64 = (text: string) => {
    const standard = text.replaceAll('-', '+').replaceAll('_', '/')
    return atob(standard.slice(0, standard.length - (standard.length % 4)))
  }
  const fromHexadecimal = (text: string) =>
    (text.match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join('')

  function look(place: StoredKey['place'], content: string): void {
    // Text in UTF-16 is the same with a zero beside each character.
    for (const text of new Set([content, content.replaceAll('\0', '')])) {
      if (isKey(text)) found.push({ place, form: 'bytes' })
      if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) found.push({ place, form: 'PEM' })
      if (/"kty"/.test(text) && /"(?:d|p|q|dp|dq|qi)"\s*:\s*"[\w-]{16,}/.test(text)) found.push({ place, form: 'JWK' })
      const runs = text.match(/[A-Za-z0-9+/_-]{40,}/g) ?? []
      const shifted = runs.flatMap((run) => [0, 1, 2, 3].map((start) => run.slice(start)))
      if (shifted.some((run) => isKey(fromBase64(run)))) found.push({ place, form: 'base64' })
      const digits = (text.match(/[0-9a-f]{80,}/gi) ?? []).flatMap((run) => [run, run.slice(1)])
      if (digits.some((run) => isKey(fromHexadecimal(run)))) found.push({ place, form: 'hexadecimal' })
    }
  }

  const textOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

  async function visit(value: unknown, seen = new Set<unknown>()): Promise<void> {
    if (typeof value === 'string') return look('IndexedDB', value)
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (value instanceof CryptoKey) {
      // A managed key is not to be stored at all, a device key only when nobody can take it away.
      const managed = value.algorithm.name.startsWith('RSA')
      if (value.type === 'private' && (value.extractable || managed))
        found.push({ place: 'IndexedDB', form: 'CryptoKey' })
    } else if (value instanceof ArrayBuffer) look('IndexedDB', textOf(new Uint8Array(value)))
    else if (ArrayBuffer.isView(value)) look('IndexedDB', textOf(new Uint8Array(value.buffer)))
    else if (value instanceof Blob) look('IndexedDB', textOf(new Uint8Array(await value.arrayBuffer())))
    else {
      look('IndexedDB', JSON.stringify(value) ?? '')
      const parts = value instanceof Map || value instanceof Set ? [...value].flat() : Object.values(value)
      for (const part of parts) await visit(part, seen)
    }
  }

  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })

  for (const place of ['localStorage', 'sessionStorage'] as const)
    look(place, Object.entries(globalThis[place]).join(' '))
  look('cookie', decodeURIComponent(document.cookie))
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name))
    for (const store of database.objectStoreNames) {
      const transaction = database.transaction(store)
      const [names, values] = await Promise.all([
        done(transaction.objectStore(store).getAllKeys()),
        done(transaction.objectStore(store).getAll()),
      ])
      await visit([names, values])
    }
    database.close()
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      const response = await cache.match(request)
      look('cache', `${request.url} ${textOf(new Uint8Array((await response?.arrayBuffer()) ?? new ArrayBuffer()))}`)
    }
  }
  return found
}
