import type { SigningKeyRecord } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'

interface SigningKeyRow {
  readonly thumbprint: string
  readonly device_id: string
  readonly user_id: string
  readonly user_name: string | null
  readonly public_key: SigningKeyRecord['signingKey']
  readonly valid_from: Date
  readonly valid_until: Date | null
}

/** Whose signing key this is, if the person may know. The key outlives the device; the name does not outlive the person. */
export async function findSigningKey(
  transaction: Transaction,
  thumbprint: string,
): Promise<SigningKeyRecord | undefined> {
  const { rows } = await sql<SigningKeyRow>`
    select k.thumbprint, k.device_id, k.user_id, u.name as user_name, k.public_key, k.valid_from, k.valid_until
    from public.signing_key k left join public.app_user u on u.auth_user_id = k.user_id
    where k.thumbprint = ${thumbprint}`.execute(transaction)
  const [row] = rows
  return (
    row && {
      deviceId: row.device_id,
      userId: row.user_id,
      userName: row.user_name,
      signingKey: row.public_key,
      thumbprint: row.thumbprint,
      validFrom: instant(row.valid_from),
      validUntil: optionalInstant(row.valid_until),
    }
  )
}
