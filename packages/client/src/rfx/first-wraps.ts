import { generateRfxKey, type RfxGroupKind, type RfxKey, type RfxRole } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import { type GroupTools, type Reachable, rememberRecipients, sortOut } from './group-tools.ts'
import { pairs, type SignedRevision, signRevision, wrapRecipient } from './revision.ts'
import type { SessionDependencies } from './rfx-session.ts'

export interface FirstVersion {
  readonly key: RfxKey
  /** What is sent: the first revision, with its wraps. */
  readonly manifest: SignedRevision['body']
  /** When it was stored. */
  remember(): Promise<void>
}

/**
 * Makes the key of a new group, wrapped to the person and to their company: who else is in it, the server says once the group is
 * there.
 *
 * @throws {NokkelError} `waiting_for_key`: neither has a key of their own yet.
 */
export async function makeFirstVersion(
  { userKeys, companies, person }: SessionDependencies,
  tools: GroupTools,
  { groupId, kind, role, companyId }: { groupId: string; kind: RfxGroupKind; role: RfxRole; companyId: string },
): Promise<FirstVersion> {
  await userKeys.settled()
  const own = userKeys.getSnapshot().key
  const company = await companies.get(companyId)
  const key = generateRfxKey()
  const version = 1
  const session = tools.wrapper.open({ key, groupId, version })
  try {
    const { accepted } = await sortOut(tools, [
      ...(own ? [reachable('user', person, own)] : []),
      ...(company.key ? [reachable('company', company, company.key)] : []),
    ])
    const wrapped = pairs(accepted, await session.wrap(accepted.map(wrapRecipient)))
    if (wrapped.length === 0) throw new NokkelError('waiting_for_key')
    const { body: manifest } = await signRevision(tools, { groupId, kind, version, key }, null, wrapped)
    const remember = () =>
      rememberRecipients(
        tools,
        wrapped.map(({ recipient }) => recipient),
      )
    return { key, manifest, remember }
  } catch (error) {
    key.fill(0)
    throw error
  } finally {
    session.close()
  }

  function reachable(
    owner: 'user' | 'company',
    { id: ownerId, name }: { readonly id: string; readonly name: string },
    { id, publicKey, thumbprint }: Reachable['key'],
  ): Reachable {
    return {
      owner,
      ownerId,
      name,
      role,
      companyId,
      state: 'missing',
      key: { id, publicKey, thumbprint },
      signed: null,
      formerIds: [],
    }
  }
}
