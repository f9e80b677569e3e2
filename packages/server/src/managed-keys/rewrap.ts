import type { Rewrap } from '@nokkel/contract'
import { decodeBase64, encodeBase64, importPublicKey, unwrapKey, wrapKey } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordFailures, recordRefusal } from '../audit/record.ts'
import { decodeCursor, encodeCursor } from '../db/page-cursor.ts'
import { ServerError } from '../http/server-error.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { problemOf } from './item-outcome.ts'
import type { Reservation } from './key-queue.ts'
import { subjectOf } from './lifecycle.ts'
import { beginRewrap, finishRewrap, type KeyPlace, type MovedWrap, type OldWrap } from './lifecycle-store.ts'
import type { StoredPrivateKey } from './private-key-cache.ts'
import { decodeWrap } from './wrap-text.ts'

export interface RewrapDependencies extends Pick<CryptoDependencies, 'database' | 'queue' | 'privateKeys'> {
  /** Counts the wraps to open. @throws {ServerError} `rate_limited`. */
  readonly count: (wraps: number) => Promise<void>
}

/** In versions, each of which may have several wraps. */
const pageSize = 100

/**
 * Moves the next wraps of an old key to the active one: opens each, wraps it again and puts it in the place of the
 * old one if that still stands there. What does not open stays as it is and is reported.
 */
export async function rewrapPage(
  dependencies: RewrapDependencies,
  caller: Caller,
  place: KeyPlace,
  cursor: string | undefined,
): Promise<Rewrap> {
  const { database, queue, count } = dependencies
  const subject = subjectOf(place, 'rewrap')
  const after = parseCursor(cursor)
  const { page, room } = await recordRefusal(database, caller, subject, async () => {
    const page = await beginRewrap(database, caller, place, after, pageSize)
    const toOpen = page.wraps.filter(({ own }) => own).length
    await count(toOpen)
    return { page, room: queue.reserve(toOpen) }
  })
  try {
    const { key } = await importPublicKey(decodeBase64(page.activePublicKey))
    const moved: MovedWrap[] = []
    const failed: { rfxId: string; version: number; code: string }[] = []
    await Promise.all(
      page.wraps.map(async (wrap) => {
        const { rfxId, version } = wrap
        try {
          moved.push({ ...wrap, moved: await move(dependencies, room, page.old, wrap, key) })
        } catch (cause) {
          const code = problemOf(cause)
          if (code !== 'open_refused') throw cause
          failed.push({ rfxId, version, code })
        }
      }),
    )
    await recordFailures(
      database,
      caller,
      failed.map(({ rfxId, version }) => ({
        action: subject.action,
        type: 'rfx_key_version',
        id: `${rfxId}/${version}/${page.old.owner}`,
        problem: 'open_refused',
      })),
    )
    const rewrapped = await recordRefusal(database, caller, subject, () =>
      finishRewrap(database, caller, place, page.activeId, moved),
    )
    const last = page.remaining > 0 ? page.wraps.at(-1) : undefined
    return {
      rewrapped,
      remaining: page.remaining,
      failed,
      ...(last && { cursor: encodeCursor({ key: String(last.version), id: last.rfxId }) }),
    }
  } finally {
    room.release()
  }
}

async function move(
  { privateKeys }: RewrapDependencies,
  room: Reservation,
  old: StoredPrivateKey,
  wrap: OldWrap,
  recipient: CryptoKey,
): Promise<string> {
  if (!wrap.own) throw new ServerError('open_refused')
  const key = await room.run(() => privateKeys.use(old, (privateKey) => unwrapKey(decodeWrap(wrap.wrap), privateKey)))
  const moved = encodeBase64(await wrapKey(key, recipient))
  key.fill(0)
  return moved
}

function parseCursor(cursor: string | undefined): { rfxId: string; version: number } | null {
  const position = decodeCursor(cursor)
  if (!position) return null
  if (!/^\d{1,9}$/.test(position.key)) throw new ServerError('request_malformed', { detail: 'cursor' })
  return { rfxId: position.id, version: Number(position.key) }
}
