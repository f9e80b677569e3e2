import type { Figure } from '../figure.ts'
import { type RfxDocumentRow, startRfxWorld } from '../rfx-world.ts'

interface Rekeyed {
  readonly removed: number
  readonly wraps: number
  readonly activation: number
  readonly untilNewKey: number
  readonly moving: number
  readonly members: number
}

/** One of many members is excluded from a project with many documents: a new key for all others, then every content key moves. */
export async function measure({ small }: { readonly small: boolean }): Promise<readonly Figure[]> {
  const members = small ? 20 : 1000
  const documents = small ? 50 : 10_000
  const world = await startRfxWorld(members)
  try {
    const companyId = await world.company(members)
    const { rfxId } = await world.run<{ rfxId: string }>({ way: 'store', companyId })
    const { rows, authorId, thumbprint } = await world.run<{
      rows: RfxDocumentRow[]
      authorId: string
      thumbprint: string
    }>({ way: 'documents', rfxId, count: documents })
    const column = (name: keyof RfxDocumentRow) => rows.map((row) => row[name])
    await world.owner.query(
      `insert into public.rfx_entry
          (rfx_id, sequence, kind, object_id, revision, key_version, wrapped_key, content, statement, digest, author_id, signer_thumbprint)
        select $1::uuid, e.sequence, 'document', e.object, 1, 1, decode(e.wrapped_key, 'hex'), decode(e.content, 'hex'), e.statement,
          decode(e.digest, 'hex'), $8::uuid, $9::text
        from unnest($2::integer[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
          e (sequence, object, wrapped_key, content, statement, digest)`,
      [
        rfxId,
        ...(['sequence', 'object', 'wrappedKey', 'content', 'statement', 'digest'] as const).map(column),
        authorId,
        thumbprint,
      ],
    )
    await world.owner.query('analyze public.rfx_entry')
    const rekeyed = await world.run<Rekeyed>({ way: 'rekey', rfxId })
    const { rows: stale } = await world.owner.query(
      'select count(*)::integer as count from public.rfx_entry where rfx_id = $1 and key_version = 1',
      [rfxId],
    )
    if (stale[0]?.count !== 0) throw new Error(`${stale[0]?.count} content keys did not move.`)
    const name = `${members} members, ${documents} documents`
    return [
      { what: `${name}: out, and nothing readable any more`, value: rekeyed.removed, unit: 'ms' },
      { what: `${name}: ${rekeyed.members} wraps made, signed and stored`, value: rekeyed.wraps, unit: 'ms' },
      { what: `${name}: the new version put in force`, value: rekeyed.activation, unit: 'ms' },
      { what: `${name}: from removal to new key`, value: rekeyed.untilNewKey, unit: 'ms' },
      { what: `${name}: content keys moved`, value: rekeyed.moving, unit: 'ms' },
      { what: `${name}: content keys moved`, value: ((documents + 1) * 1000) / rekeyed.moving, unit: '/s' },
    ]
  } finally {
    await world.close()
  }
}
