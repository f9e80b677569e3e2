import type { RfxSigner } from '@nokkel/contract'
import type { Clock, StatementSigner } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

/** Whose a signing key is, as this device has seen it: `<user>/<device>` by thumbprint. */
type SeenSigners = Readonly<Record<string, string>>

/** Whose keys have signed in one project. */
export interface RfxSigners {
  /** @throws {NokkelError} `signature_untrusted`: one of them is not, or was not then, a key of the person and device it claims. */
  require(signers: readonly StatementSigner[]): Promise<void>
}

interface SignerDependencies {
  readonly call: Call
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly now: Clock
  readonly own: () => Promise<OwnKeys>
}

const lookupLimit = 200
const clockToleranceMilliseconds = 600_000

function seenSignersName(userId: string): string {
  return `rfx_signer_v1.${userId}`
}

export function createRfxSigners(dependencies: SignerDependencies, userId: string, rfxId: string): RfxSigners {
  const { call, storage, lock, now, own } = dependencies
  const name = seenSignersName(userId)
  const listed = new Map<string, { readonly signer: RfxSigner; readonly at: number }>()

  return {
    async require(signers) {
      const others = await withoutOwn(signers)
      const unknown = new Set(others.filter((signer) => !isFresh(signer)).map(({ thumbprint }) => thumbprint))
      for (let start = 0; start < unknown.size; start += lookupLimit) {
        await fetch([...unknown].slice(start, start + lookupLimit))
      }
      for (const signer of others) {
        if (!fits(signer, listed.get(signer.thumbprint)?.signer)) throw new NokkelError('signature_untrusted')
      }
      await remember(others)
    },
  }

  /** Without those of this device, whose key is in its storage, whatever the directory says. */
  async function withoutOwn(signers: readonly StatementSigner[]): Promise<readonly StatementSigner[]> {
    const keys = await own().catch(() => undefined)
    if (!keys) return signers
    return signers.filter(({ thumbprint, userId: signer, deviceId }) => {
      if (thumbprint !== keys.signingThumbprint) return true
      if (signer !== keys.userId || deviceId !== keys.deviceId) throw new NokkelError('signature_untrusted')
      return false
    })
  }

  /** A device may have ended since it was looked up: what it signed after that is looked up again. */
  function isFresh({ thumbprint, signedAt }: StatementSigner): boolean {
    const known = listed.get(thumbprint)
    return known !== undefined && (known.signer.validUntil !== null || signedAt.getTime() <= known.at)
  }

  async function fetch(thumbprints: string[]): Promise<void> {
    const at = now().getTime()
    const { signers } = await call('findRfxSigners', { params: { id: rfxId }, body: { thumbprints } })
    for (const signer of signers) listed.set(signer.thumbprint, { signer, at })
  }

  async function remember(signers: readonly StatementSigner[]): Promise<void> {
    const isSeen = (seen: SeenSigners) =>
      signers.every((signer) => {
        const before = seen[signer.thumbprint]
        if (before !== undefined && before !== placeOf(signer)) throw new NokkelError('signature_untrusted')
        return before !== undefined
      })
    const read = async () => ((await storage.get(name)) ?? {}) as SeenSigners
    if (isSeen(await read())) return
    await lock.run('rfx_signers', async () => {
      const seen = await read()
      if (isSeen(seen)) return
      const added = signers.map((signer) => [signer.thumbprint, placeOf(signer)])
      await storage.put(name, { ...seen, ...Object.fromEntries(added) })
    })
  }
}

function fits(signer: StatementSigner, listed: RfxSigner | undefined): boolean {
  if (!listed || listed.userId !== signer.userId || listed.deviceId !== signer.deviceId) return false
  const signedAt = signer.signedAt.getTime()
  const validUntil = listed.validUntil === null ? Number.POSITIVE_INFINITY : Date.parse(listed.validUntil)
  return (
    signedAt >= Date.parse(listed.validFrom) - clockToleranceMilliseconds &&
    signedAt <= validUntil + clockToleranceMilliseconds
  )
}

function placeOf({ userId, deviceId }: StatementSigner): string {
  return `${userId}/${deviceId}`
}
