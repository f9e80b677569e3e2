// In memory alone: what somebody was writing may be a secret, and a reload or another person finds nothing of it.

const drafts = new Map<string, unknown>()
let owner: string | undefined

/** Keeps what somebody was writing at this place while their session is locked. */
export function putAside(userId: string, place: string, draft: unknown): void {
  followPerson(userId)
  drafts.set(place, draft)
}

/** What this person was writing there when their session locked. */
export const draftAt = (userId: string | undefined, place: string): unknown =>
  userId === owner ? drafts.get(place) : undefined

/** It is in its form again. */
export function forgetDraft(place: string): void {
  drafts.delete(place)
}

/** Of anybody else everything is forgotten; `undefined`: nobody is logged in. */
export function followPerson(userId: string | undefined): void {
  if (userId !== owner) drafts.clear()
  owner = userId
}
