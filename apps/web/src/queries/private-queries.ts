import type { SessionState } from '@nokkel/client'
import type { QueryClient } from '@tanstack/react-query'

const isPrivate = ({ queryKey: [kind] }: { queryKey: readonly unknown[] }) => kind !== 'organizations'

/**
 * What queries hold is of the person it was fetched for, opened assignments included: it leaves memory with the session, while
 * that is locked, and at the latest when somebody else is there.
 *
 * @returns What is to be told each state of the session, whichever client it is of.
 */
export function createPrivateQueries(queries: QueryClient): (state: SessionState) => void {
  let person: string | undefined
  return ({ status, me }) => {
    const isOther = me !== undefined && person !== undefined && me.id !== person
    if (status === 'signed_out' || status === 'locked' || isOther) queries.removeQueries({ predicate: isPrivate })
    if (me) person = me.id
  }
}
