import { type addRfxWraps, MAXIMUM_INTEGER, type ParsedOf, type RfxWrap } from '@nokkel/contract'
import {
  type Bytes,
  calculateWrapLeaf,
  decodeBase64,
  hashWrap,
  joinLeaves,
  type RfxGroupKind,
  type Thumbprint,
  verifyJws,
  verifyRfxManifest,
} from '@nokkel/crypto'
import type { OwnDevice } from '../assignments/statement.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { verified } from '../http/verified.ts'
import { requireOwnSigner } from './device.ts'
import type { ManifestToStore, WrapToStore } from './key-store.ts'

type SignedWraps = ParsedOf<typeof addRfxWraps>['body']

/** What a request says, before anybody has asked whether it was signed. */
export interface ParsedWraps {
  readonly groupId: string
  readonly statement: string
  readonly version: number
  readonly revision: number
  readonly wraps: readonly WrapToStore[]
  /** Of these wraps, in ascending order, one after another. */
  readonly leaves: Bytes
}

/**
 * Reads wraps, and calculates what a manifest must have signed of them.
 *
 * @throws {ServerError} `request_malformed`: not wraps, or two for one recipient. `statement_invalid`: no manifest.
 */
export async function parseWraps(groupId: string, { statement, wraps }: SignedWraps): Promise<ParsedWraps> {
  const recipients = new Set(wraps.map(({ owner, ownerId }) => `${owner} ${ownerId}`))
  if (recipients.size < wraps.length) throw new ServerError('request_malformed', { detail: 'wraps' })
  const { version, revision } = await readPlace(statement)
  try {
    const hashed = await Promise.all(wraps.map(hash))
    const leaves = await Promise.all(
      hashed.map(({ owner, ownerId, role, thumbprint, hash: wrapHash }) =>
        calculateWrapLeaf({
          groupId,
          version,
          owner,
          ownerId,
          role,
          thumbprint: thumbprint as Thumbprint,
          wrapHash,
        }),
      ),
    )
    return { groupId, statement, version, revision, wraps: hashed, leaves: joinLeaves(leaves) }
  } catch (cause) {
    throw new ServerError('request_malformed', { detail: 'wraps', cause })
  }
}

async function hash(wrap: RfxWrap): Promise<WrapToStore> {
  return { ...wrap, hash: await hashWrap(decodeBase64(wrap.encryptedSymmetricKey)) }
}

/** Of which version and revision a manifest says that it is. */
async function readPlace(statement: string): Promise<{ readonly version: number; readonly revision: number }> {
  const { payload } = await verified(verifyJws(statement, 'nokkel-rfx-manifest+jwt'))
  const { version, revision } = payload
  if (!isPlace(version) || !isPlace(revision)) throw new ServerError('statement_invalid')
  return { version, revision }
}

const isPlace = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAXIMUM_INTEGER

/**
 * Verifies that the device of the session has signed exactly these wraps for this group.
 *
 * @throws {ServerError} `statement_invalid`.
 */
export async function verifyWraps(
  { groupId, statement, version, revision, leaves }: ParsedWraps,
  kind: RfxGroupKind,
  claims: Claims,
  device: OwnDevice,
): Promise<ManifestToStore> {
  const { organization: organizationId } = claims
  const { commitment, sealTo, previous, digest, signer } = await verified(
    verifyRfxManifest({ statement, organizationId, groupId, kind, version, revision, leaves }),
  )
  requireOwnSigner(signer, claims, device)
  const signerThumbprint = signer.thumbprint
  return { version, revision, previous, statement, digest, leaves, commitment, sealTo, signerThumbprint }
}
