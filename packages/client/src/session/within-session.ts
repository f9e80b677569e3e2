import { NokkelError } from '../errors.ts'
import type { SessionManager } from './session-manager.ts'

/** What is asked for while its code is on its way is asked by who is logged in now: it is not done as somebody else. */
export function withinSession<T>(session: Pick<SessionManager, 'read'>, load: () => Promise<T>): () => Promise<T> {
  return async () => {
    const asked = await session.read()
    const loaded = await load()
    if ((await session.read())?.sessionId !== asked?.sessionId) throw new NokkelError('signed_out')
    return loaded
  }
}
