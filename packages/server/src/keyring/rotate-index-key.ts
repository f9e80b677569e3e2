import { CryptoError } from '@nokkel/crypto'
import type { BlindIndex, IndexedField } from '../auth/blind-index.ts'
import { decryptContact } from '../auth/contact-store.ts'
import { openPersonKey } from '../auth/person-key.ts'
import type { Database } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { checkSchema } from '../db/schema-version.ts'
import { decryptPersonnummer } from '../identity/personnummer-envelope.ts'
import {
  type IndexMove,
  type IndexPair,
  type MovableRow,
  recordRotation,
  retireKey,
  selectIndexKeyStates,
  selectMovable,
  storeMoves,
} from './index-key-store.ts'
import type { Keyring } from './keyring.ts'
import type { RootKeyProvider } from './root-keys.ts'
import { createServerKeys } from './server-keys.ts'

/** One version of the index key, as far as the database knows it. */
export interface IndexKeyVersion {
  readonly keyId: string
  /** RFC 3339. */
  readonly createdAt: string
  /** RFC 3339: since when nobody is found by it; `null` while somebody may be. */
  readonly retiredAt: string | null
  readonly state: 'present' | 'previous' | 'retired'
  /** People under it, by their number, by phone and e-mail, or by both. */
  readonly people: number
  readonly numbers: number
  readonly contacts: number
  /** People of whom a value itself is kept, encrypted: they can be moved without being there. */
  readonly movable: number
  /** Logins that wait for their person to show that an account is theirs. */
  readonly waitingLogins: number
  /** Images of rows that a merge has changed, for its undo. */
  readonly mergedRows: number
}

/**
 * Lists the versions of the index key that a database knows, oldest first.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function readIndexKeyVersions(database: Database): Promise<readonly IndexKeyVersion[]> {
  await checkSchema(database)
  const states = await selectIndexKeyStates(database)
  const present = states.findLast(({ retiredAt }) => retiredAt === null)
  return states.map(({ createdAt, retiredAt, ...state }) => ({
    ...state,
    createdAt: instant(createdAt),
    retiredAt: optionalInstant(retiredAt),
    state: retiredAt !== null ? 'retired' : state.keyId === present?.keyId ? 'present' : 'previous',
  }))
}

export interface RotateIndexKeyOptions {
  /** Connected as `nokkel_server`. */
  readonly database: Database
  /** With the present index key and the previous one. */
  readonly rootKeys: RootKeyProvider
  /** Of the server that has the same root keys. Default `production`, in which they must be random. */
  readonly mode?: 'development' | 'production'
  /** How many people are moved in one transaction. Default 100. */
  readonly pageSize?: number
  /** Told after each page. */
  readonly onProgress?: (progress: IndexKeyRotation) => void
}

/** How far a rotation has come. */
export interface IndexKeyRotation {
  /** People who stand under the present key now and did not before. */
  readonly moved: number
  /** People whose values do not fit what they stand under, or do not open: they move at their next login. */
  readonly passedOver: number
}

/**
 * Moves people from the previous index key to the present one, as far as the values they are recognised by are kept. Each page is
 * a transaction, and whoever has changed meanwhile is left alone, so it may be stopped anywhere and run again while servers run.
 *
 * @throws {Error} There is no previous index key, or the database or the root keys cannot be used.
 */
export async function rotateIndexKey(options: RotateIndexKeyOptions): Promise<IndexKeyRotation> {
  const { database, rootKeys, mode = 'production', pageSize = 100, onProgress = () => undefined } = options
  await checkSchema(database)
  const keys = createServerKeys(rootKeys, { database, logger: () => undefined, production: mode === 'production' })
  const { blindIndex, keyring } = await keys.load()
  await keys.check()
  const previous = await blindIndex.previous()
  if (!previous) throw new Error('The root keys hold no previous index key: there is nothing to rotate.')
  const ids = { former: await previous.keyId(), present: await blindIndex.keyId() }
  const known = await readIndexKeyVersions(database)
  if (known.some(({ keyId, state }) => keyId === ids.former && state === 'retired')) {
    return { moved: 0, passedOver: 0 }
  }
  // Before anybody is moved: a run that is stopped is in the log, too.
  await recordRotation(database, ids.present, crypto.randomUUID())
  let [moved, passedOver] = [0, 0]
  for (let after: string | null = null; ; ) {
    const page: readonly MovableRow[] = await selectMovable(database, ids.former, after, pageSize)
    const moves: IndexMove[] = []
    for (const row of page) {
      const move = await makeMove(row, keyring, previous, blindIndex)
      if (move) moves.push(move)
      else passedOver += 1
    }
    if (moves.length > 0) moved += await storeMoves(database, ids, moves)
    if (page.length > 0) onProgress({ moved, passedOver })
    if (page.length < pageSize) return { moved, passedOver }
    after = page.at(-1)?.userId ?? null
  }
}

/** `null`: nothing that is kept of them is what they are recognised by. */
async function makeMove(
  row: MovableRow,
  keyring: Keyring,
  previous: BlindIndex,
  present: BlindIndex,
): Promise<IndexMove | null> {
  const { userId, personnummerIndex, phoneIndex, emailIndex } = row
  const pair = async (field: IndexedField, value: string | null, former: Uint8Array | null) => {
    const index = value === null ? null : hex(await previous.index(field, value))
    if (index !== (former && hex(former))) return undefined
    return value === null || index === null
      ? null
      : ([index, hex(await present.index(field, value))] satisfies IndexPair)
  }
  try {
    const key = await openPersonKey(keyring, userId, new Uint8Array(row.wrappedKey))
    const personnummer = row.personnummer && (await decryptPersonnummer(row.personnummer, key, 'kept', userId))
    const contact = row.contact && (await decryptContact(new Uint8Array(row.contact), key, userId))
    const number = personnummer ? await pair('personnummer', personnummer, personnummerIndex) : undefined
    const phone = contact ? await pair('phone', contact.phoneNumber, phoneIndex) : undefined
    const email = contact ? await pair('email', contact.email, emailIndex) : undefined
    const fits = phone !== undefined && email !== undefined
    if (!number && !fits) return null
    return {
      user_id: userId,
      personnummer: number ?? null,
      contact: fits,
      phone: fits ? phone : null,
      email: fits ? email : null,
    }
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    return null
  }
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** What became of the previous index key. */
export interface IndexKeyRetirement {
  /** The previous one. */
  readonly keyId: string
  /** Whether nobody is found by it any longer. If not, nothing was changed. */
  readonly retired: boolean
  /** People who were under it, and are recognised by their logins alone from now on. */
  readonly forgotten: number
}

/**
 * Gives the previous index key up, after which servers start without it.
 *
 * @param options.forget - Also while people, waiting logins or undos of merges are under it, which are then not found by it.
 * @throws {Error} There is no previous index key, or the database cannot be used.
 */
export async function retireIndexKey(
  database: Database,
  { forget = false }: { readonly forget?: boolean } = {},
): Promise<IndexKeyRetirement> {
  const versions = await readIndexKeyVersions(database)
  const keyId = versions.find(({ state }) => state === 'previous')?.keyId
  if (keyId === undefined) throw new Error('The database has no previous index key: there is nothing to retire.')
  const forgotten = await retireKey(database, keyId, { forget, runId: crypto.randomUUID() })
  return { keyId, retired: forgotten !== null, forgotten: forgotten ?? 0 }
}
