import type { Rewrap } from '@nokkel/contract'
import { codeOf, NokkelError } from '../errors.ts'
import { activeOf, isWorkLeft, type ManagedKeyView } from './managed-key.ts'

export interface RegenerationProgress {
  readonly step: 'making' | 'moving'
  /** RFX keys tried so far, those that did not open included. */
  readonly moved: number
  /** 0 until it is known. */
  readonly total: number
}

export interface RegenerationOptions {
  readonly onProgress?: ((progress: RegenerationProgress) => void) | undefined
  /** Stops after the request under way. What was moved stays moved; `moveWraps` goes on later. */
  readonly signal?: AbortSignal | undefined
}

/** An RFX key that did not open with the old key. It stays as it is, and so does the old key. */
export type UnmovedWrap = Rewrap['failed'][number]

export interface MovedWraps {
  readonly moved: number
  readonly failed: readonly UnmovedWrap[]
}

export interface Regeneration extends MovedWraps {
  /** The new one. */
  readonly key: ManagedKeyView
}

export interface Revocation extends Regeneration {
  /** RFX key versions that the compromised key could open: each needs a new version. */
  readonly compromisedVersions: number
}

/** The requests that keys of a person and keys of a company differ in. */
export interface KeyOwner {
  list(): Promise<readonly ManagedKeyView[]>
  /** Makes the key that replaces the active one, or the first. */
  make(options: { readonly replaces?: string | undefined; readonly signal?: AbortSignal | undefined }): Promise<unknown>
  rewrap(id: string, cursor: string | undefined, signal: AbortSignal | undefined): Promise<Rewrap>
  revoke(id: string): Promise<{ readonly compromisedVersions: number }>
  destroy(id: string): Promise<unknown>
}

/** Makes a key that takes the place of the active one, then moves everything to it. */
export async function regenerate(owner: KeyOwner, options: RegenerationOptions = {}): Promise<Regeneration> {
  options.onProgress?.({ step: 'making', moved: 0, total: 0 })
  await owner.make({ replaces: activeOf(await owner.list())?.id, signal: options.signal })
  const key = await activeKey(owner)
  return { key, ...(await moveWraps(owner, options)) }
}

/** Marks a key as compromised. If it was the active one, another takes its place, and everything moves there. */
export async function revoke(owner: KeyOwner, id: string, options: RegenerationOptions = {}): Promise<Revocation> {
  const { compromisedVersions } = await owner.revoke(id)
  options.onProgress?.({ step: 'making', moved: 0, total: 0 })
  if (!activeOf(await owner.list())) await owner.make({ signal: options.signal })
  const key = await activeKey(owner)
  return { compromisedVersions, key, ...(await moveWraps(owner, options)) }
}

/**
 * Moves what is wrapped to old keys to the active one, page by page, and destroys every old key that nothing is wrapped to
 * any more. Begun again, it goes on where it was interrupted.
 */
export async function moveWraps(owner: KeyOwner, options: RegenerationOptions = {}): Promise<MovedWraps> {
  const { onProgress, signal } = options
  const old = (await owner.list()).filter(({ state }) => state === 'superseded' || state === 'revoked')
  const total = old.reduce((sum, { wraps }) => sum + wraps, 0)
  const failed: UnmovedWrap[] = []
  let moved = 0
  for (const key of old) {
    const failedBefore = failed.length
    let cursor: string | undefined
    onProgress?.({ step: 'moving', moved: moved + failed.length, total })
    if (isWorkLeft(key)) {
      do {
        if (signal?.aborted) throw new NokkelError('cancelled', { cause: signal.reason })
        const page = await owner.rewrap(key.id, cursor, signal)
        moved += page.rewrapped
        failed.push(...page.failed)
        onProgress?.({ step: 'moving', moved: moved + failed.length, total })
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    if (failed.length === failedBefore) await destroyUnused(owner, key.id)
  }
  return { moved, failed }
}

async function destroyUnused(owner: KeyOwner, id: string): Promise<void> {
  try {
    await owner.destroy(id)
  } catch (error) {
    // Something was wrapped to it meanwhile: it stays.
    if (codeOf(error) !== 'key_in_use') throw error
  }
}

async function activeKey(owner: KeyOwner): Promise<ManagedKeyView> {
  const key = activeOf(await owner.list())
  if (!key) throw new NokkelError('answer_unexpected')
  return key
}
