import * as contract from '@nokkel/contract'
import { decodeBase64, importPrivateKey, type ManagedKey, type SigningDevice } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { TestApi } from '../api.ts'
import type { TestDatabase } from '../database.ts'
import { createEquipped, type Equipped, type Role } from '../people.ts'
import { testPrivateKeys } from '../rsa-keys.ts'

/** The API of one server, in this process or in another. */
export type RfxApi = Pick<TestApi, 'call'>

/** Somebody on a device of theirs, with their managed key in hand. */
export interface RfxPerson extends Pick<Equipped, 'id' | 'claims' | 'deviceId'> {
  readonly signing: CryptoKeyPair
  readonly managed: ManagedKey
}

/** A member of an organisation on a registered device, with an active key. */
export async function createRfxPerson(
  database: TestDatabase,
  api: RfxApi,
  organizationId: string,
  options: { readonly name?: string; readonly role?: Role; readonly text?: string; readonly developer?: boolean } = {},
): Promise<RfxPerson> {
  const { text = testPrivateKeys[0] ?? '', developer = false, ...person } = options
  const equipped = await createEquipped(database, organizationId, person)
  if (developer) {
    await sql`update public.organization_member set is_developer = true
      where user_id = ${equipped.id}::uuid and organization_id = ${organizationId}::uuid`.execute(database.owner)
  }
  await answerOf(api, contract.cryptoService, equipped, { body: { action: 'encrypt', text } })
  const { id, claims, deviceId, keys } = equipped
  return { id, claims, deviceId, signing: keys.signing, managed: await importPrivateKey(decodeBase64(text)) }
}

/** What an operation answers somebody with; anything but success is an error with its code. */
export async function answerOf(
  api: RfxApi,
  operation: Parameters<RfxApi['call']>[0],
  { claims }: Pick<RfxPerson, 'claims'>,
  call: Parameters<RfxApi['call']>[2] = {},
  // biome-ignore lint/suspicious/noExplicitAny: parsed by the schema of the operation
): Promise<any> {
  const { status, code, body } = await api.call(operation, claims, call)
  if (code !== undefined || status >= 300) throw new Error(`${operation.path} answered ${status} ${code}`)
  return body
}

export const signerOf = ({ id, deviceId, signing }: RfxPerson): SigningDevice => ({ userId: id, deviceId, signing })
