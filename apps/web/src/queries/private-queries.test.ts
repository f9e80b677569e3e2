import type { SessionState } from '@nokkel/client'
import { QueryClient } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import { createPrivateQueries } from './private-queries.ts'

const as = (id: string) => ({ status: 'signed_in', me: { id } }) as SessionState

function opened() {
  const queries = new QueryClient()
  const follow = createPrivateQueries(queries)
  follow(as('kari'))
  queries.setQueryData(['organizations'], ['likeperson'])
  queries.setQueryData(['assignments', 'opened'], { title: 'In the clear' })
  const left = () =>
    queries
      .getQueryCache()
      .getAll()
      .map(({ queryKey: [kind] }) => kind)
  return { follow, left }
}

it.each([
  ['they log out', { status: 'signed_out' }],
  ['their session is locked', { status: 'locked' }],
  ['somebody else is there', as('ingrid')],
] as const)('forgets what was fetched for a person when %s', (_, state) => {
  const { follow, left } = opened()
  follow(state)
  expect(left()).toEqual(['organizations'])
})

it.each([{ status: 'error' }, { status: 'starting' }] as const)(
  'keeps it over $status for the same person, and not for another one',
  (state) => {
    for (const [next, kept] of [
      ['kari', ['organizations', 'assignments']],
      ['ingrid', ['organizations']],
    ] as const) {
      const { follow, left } = opened()
      follow(state)
      expect(left()).toEqual(['organizations', 'assignments'])
      follow(as(next))
      expect(left()).toEqual(kept)
    }
  },
)
