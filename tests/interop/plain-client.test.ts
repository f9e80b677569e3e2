import { cryptoService, listUserKeys } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createLoggedIn, createRfx, storeWrap } from '../../tools/testing/managed-keys.ts'
import { createOrganization } from '../../tools/testing/people.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import {
  decryptPrivateKeyOnServer,
  decryptSymmetricKey,
  encryptPrivateKeyOnServer,
  encryptSymmetricKey,
  exportPrivateKey,
} from './plain-client.ts'

describe.each(databaseEngines)('a client of the description alone [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  it('has its key wrapped, gets it back, and opens and makes wraps', async () => {
    const organization = await createOrganization(database)
    const kari = await createLoggedIn(database, organization)
    const fetch = async (_path: string, { body }: RequestInit) => {
      const answer = await api.call(cryptoService, kari.claims, { body: JSON.parse(String(body)) })
      return Response.json(answer.body ?? {}, { status: answer.status })
    }
    const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
    const pkcs8 = Uint8Array.from(atob(testPrivateKeys[0]), (character) => character.charCodeAt(0))
    const own = await exportPrivateKey(await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['decrypt']))

    const stored = await encryptPrivateKeyOnServer(fetch, 'token', own)
    expect(await decryptPrivateKeyOnServer(fetch, 'token', stored)).toBe(own)

    const [key] = (await api.call(listUserKeys, kari.claims)).body.keys
    expect(await decryptPrivateKeyOnServer(fetch, 'token', JSON.stringify(key.encryptedPrivateKey))).toBe(own)
    const { rows } = await sql<{ public_key: string; encrypted_private_key: string }>`
      select public_key, encrypted_private_key from public.app_user where auth_user_id = ${kari.id}::uuid`.execute(
      database.owner,
    )
    const { public_key: publicKey = '', encrypted_private_key: column = '' } = rows[0] ?? {}
    expect(await decryptPrivateKeyOnServer(fetch, 'token', column)).toBe(own)

    const symmetricKey = crypto.getRandomValues(new Uint8Array(32))
    const wrap = await encryptSymmetricKey(publicKey, symmetricKey)
    expect(await decryptSymmetricKey(own, wrap)).toEqual(symmetricKey)

    const rfxId = await createRfx(database, organization)
    await storeWrap(database, { rfxId, owner: 'user', ownerId: kari.id, keyId: key.id }, wrap)
    const body = { action: 'unwrap', rfxId, version: 1, via: 'user' }
    const unwrapped = await api.call(cryptoService, kari.claims, { body })
    expect(unwrapped.body).toEqual({ key: btoa(String.fromCharCode(...symmetricKey)) })
  })
})
