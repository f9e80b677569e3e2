import { importEnvelopeKey, openRfxValue, parseHeader, type RfxKey, sealRfxValue } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Rfx } from './rfx.ts'
import { whole } from './rfx-error.ts'
import type { RfxSession } from './rfx-session.ts'

/** Values that the application stores itself. */
export function createRfxValues(session: RfxSession): Pick<Rfx, 'encrypt' | 'decrypt'> {
  const { opened } = session
  const rfxId = opened.id
  /** Which version a key is of, by its id in the header of what it encrypts. */
  const versions = new Map<string, number>()

  return {
    async encrypt(value, place) {
      const { key, version } = await opened.key()
      const sealed = await sealRfxValue(value, { key, rfxId, version, place })
      requireOpen()
      return sealed
    },
    async decrypt(sealed, place) {
      const { version, key } = (await find(sealed)) ?? (await findAnew(sealed)) ?? (await findKept(sealed)) ?? {}
      if (!version || !key) throw new NokkelError('not_readable')
      return whole('the value', () => openRfxValue(sealed, { key, rfxId, version, place }))
    },
  }

  async function findAnew(sealed: Uint8Array) {
    await opened.refresh()
    return find(sealed)
  }

  /** A member may have passed on another key than the one of that version. */
  async function findKept(sealed: Uint8Array): Promise<{ version: number; key: RfxKey } | undefined> {
    const wanted = parseHeader(sealed)?.keyId
    if (wanted === undefined) return undefined
    for (let version = opened.fetched().version - 1; version >= 1; version--) {
      const key = await opened.keptKeyOf(version)
      requireOpen()
      if (key && (await importEnvelopeKey(key)).id === wanted) return { version, key }
    }
    return undefined
  }

  async function find(sealed: Uint8Array): Promise<{ version: number; key: RfxKey } | undefined> {
    const wanted = parseHeader(sealed)?.keyId
    if (wanted === undefined) return undefined
    for (let version = opened.fetched().version; version >= 1; version--) {
      if (versions.get(wanted) !== undefined && versions.get(wanted) !== version) continue
      const key = await opened.keyOf(version)
      requireOpen()
      const { id } = await importEnvelopeKey(key)
      versions.set(id, version)
      if (id === wanted) return { version, key }
    }
    return undefined
  }

  /** What was made while the keys were being overwritten is not given out. */
  function requireOpen(): void {
    if (session.isOver()) throw new NokkelError('cancelled')
  }
}
