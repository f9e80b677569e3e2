import { decodeBase64, openPrivateKey } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'

/** The person's private keys, each fetched once and kept in memory, where they can unwrap and not be exported. */
export interface PrivateKeys {
  /** @param id - Default: the active key, which is looked up each time. */
  get(id?: string): Promise<CryptoKey>
  /** What is opened already is not given again. */
  forget(id: string): void
}

export function createPrivateKeys(call: Call): PrivateKeys {
  const opened = new Map<string, Promise<CryptoKey>>()
  return {
    async get(id) {
      const known = id === undefined ? undefined : opened.get(id)
      if (known !== undefined) return known
      const { keys } = await call('listUserKeys', {})
      const key = keys.find((candidate) => (id === undefined ? candidate.state === 'active' : candidate.id === id))
      if (!key?.encryptedPrivateKey) throw new NokkelError('open_refused')
      const { data, iv } = key.encryptedPrivateKey
      const opening = opened.get(key.id) ?? open(data, iv)
      opened.set(key.id, opening)
      opening.catch(() => opened.delete(key.id))
      return opening
    },
    forget: (id) => void opened.delete(id),
  }

  async function open(data: string, iv: string): Promise<CryptoKey> {
    const answer = await call('cryptoService', { body: { action: 'decrypt', data, iv } })
    if (!('text' in answer)) throw new NokkelError('answer_unexpected')
    const bytes = decodeBase64(answer.text)
    try {
      return await openPrivateKey(bytes)
    } finally {
      bytes.fill(0)
    }
  }
}
