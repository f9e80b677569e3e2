import { inspect } from 'node:util'
import { expect, it, vi } from 'vitest'
import { IdentityRepositoryError } from './identity-error.ts'
import { createIdentityRepository } from './identity-repository.ts'

// A page whose later chunks cannot be fetched, as without a network.
vi.mock('./identity-operations.ts', () => {
  throw new TypeError('Failed to fetch dynamically imported module: https://app.example.no/a1b2.js')
})

it('the repository fails in its own way where its code does not load', async () => {
  const repository = createIdentityRepository({} as never)
  const error = await repository.personnummer().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(IdentityRepositoryError)
  expect(error).toMatchObject({ code: 'network_unreachable', message: 'This did not work. Try again.' })
  expect(inspect(error, { depth: null })).not.toContain('app.example.no')
})
