import { expect, it } from 'vitest'
import type { SessionRecord } from './auth-token-store.ts'
import { withinSession } from './within-session.ts'

it.each([
  ['one', 'one', 'loaded'],
  [undefined, undefined, 'loaded'],
  ['one', 'two', 'signed_out'],
  ['one', undefined, 'signed_out'],
  [undefined, 'one', 'signed_out'],
])('loads something for the session that it was asked in: %s, then %s', async (before, after, expected) => {
  let sessionId = before
  const session = { read: async () => (sessionId === undefined ? undefined : ({ sessionId } as SessionRecord)) }
  const load = withinSession(session, async () => {
    sessionId = after
    return 'loaded'
  })
  expect(await load().catch((error: { code: string }) => error.code)).toBe(expected)
})
