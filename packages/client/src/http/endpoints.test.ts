import * as contract from '@nokkel/contract'
import { describe, expect, it } from 'vitest'
import { type Endpoint, endpoints } from './endpoints.ts'

const operations = { ...contract }

describe('endpoints', () => {
  it.each(Object.keys(endpoints) as Endpoint[])('%s is where the contract says', (endpoint) => {
    const { method, path } = operations[endpoint]
    expect(endpoints[endpoint]).toBe(`${method.toUpperCase()} ${path}`)
  })
})
