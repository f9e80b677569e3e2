import type * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type RealServer, startRealServer } from '../../tools/testing/real-server.ts'
import { companies, type Device, logIn } from '../rfx/testing/fjordhjelpen.ts'

describe.each(databaseEngines)('a person with two accounts and real projects [%s]', (engine) => {
  let server: RealServer
  /** Both of one person: of a supplier, and of the buyer. */
  let bjorn: Device
  let kari: Device
  let silje: Device
  let marit: Device

  beforeAll(async () => {
    server = await startRealServer({ engine })
    silje = await logIn(server, 'silje')
    kari = await logIn(server, 'kari')
    bjorn = await logIn(server, 'bjorn')
    marit = await logIn(server, 'marit')
  }, 120_000)
  afterAll(() => server.close())

  async function send<T>(device: Device, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await server.fetch(`${server.origin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await device.nokkel.auth.accessToken()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }

  async function versionOf(id: string): Promise<number> {
    const { rows } = await sql<{ version: number }>`
      select key_version as version from public.rfxs where id = ${id}::uuid`.execute(server.database.owner)
    return rows[0]?.version ?? 0
  }

  it('has what both had, in projects too, and has it apart again after the undo', async () => {
    const own = await silje.nokkel.rfx.create({ title: 'Ny skole', companyId: companies.innkjop })
    expect(await own.distribute()).toMatchObject({ success: true })
    await own.comment('Hvor mange klasserom?')
    const closed = await silje.nokkel.rfx.create({ title: 'Gammel skole', companyId: companies.innkjop })
    expect(await closed.distribute()).toMatchObject({ success: true })
    await sql`update public.rfxs set status = 'closed' where id = ${closed.id}::uuid`.execute(server.database.owner)
    const faults = await closed.check()
    expect(faults.map(({ problem }) => problem)).not.toContain('wrap_unsigned')
    const theirs = kari.nokkel.rfx.get(own.id)
    await theirs.open()

    const { owner } = server.database
    const { rows } = await sql<{ id: string }>`
      insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
      select organization_id, least(${bjorn.id}::uuid, ${kari.id}::uuid), greatest(${bjorn.id}::uuid, ${kari.id}::uuid), 'both_logins'
      from public.company where id = ${companies.innkjop}::uuid returning id`.execute(owner)
    await sql`update public.user_identities set personnummer_index = null, personnummer_index_key = null
      where user_id = ${bjorn.id}::uuid`.execute(owner)
    // Two BankIDs would be two people.
    await sql`update public.external_identity set provider = 'vipps' where user_id = ${bjorn.id}::uuid`.execute(owner)
    const path = `/nokkel/duplicates/${rows[0]?.id}`
    const preview = await send<contract.AnswerOf<typeof contract.previewMerge>>(
      marit,
      'GET',
      `${path}/preview?survivor=${bjorn.id}`,
    )
    expect(preview.effects).toContainEqual({ what: 'project_keys', effect: 'moves', count: 2 })
    const body = { survivor: bjorn.id, digest: preview.digest }
    expect(await send(marit, 'POST', `${path}/merge`, body)).toMatchObject({ state: 'merged' })

    // The client that was open all along reads with the wrap of the former account.
    const project = bjorn.nokkel.rfx.get(own.id)
    await project.open()
    expect(await project.comments()).toMatchObject([{ text: 'Hvor mange klasserom?' }])
    expect(project.getSnapshot().details).toMatchObject({ title: 'Ny skole', role: 'buyer' })
    await expect(send(kari, 'GET', '/nokkel/me')).rejects.toThrow('account_merged')

    // Whoever writes next makes the next version, or whose client comes first.
    const comment = await project.comment('Tolv.')
    expect(comment.author.id).toBe(bjorn.id)
    expect(await versionOf(own.id)).toBe(2)
    await own.reload()
    expect(await own.comments()).toMatchObject([{ text: 'Hvor mange klasserom?' }, { text: 'Tolv.' }])
    expect(await own.check()).toEqual([])
    // A closed project gets no new version, and nobody's wrap there is another one than was signed.
    expect(await closed.check()).toEqual(faults)

    // What was Kari's login is Bjørn's now.
    const again = await logIn(server, 'kari')
    expect(again.id).toBe(bjorn.id)
    expect(again.nokkel.auth.getSnapshot().me?.formerIds).toEqual([kari.id])
    const elsewhere = again.nokkel.rfx.get(own.id)
    await elsewhere.open()
    expect(await elsewhere.comments()).toHaveLength(2)

    expect(await send(marit, 'POST', `${path}/undo`)).toMatchObject({ state: 'open', merge: null })
    const apart = await logIn(server, 'kari')
    expect(apart.id).toBe(kari.id)
    await own.comment('Da er vi enige.')
    expect(await versionOf(own.id)).toBe(3)
    const back = apart.nokkel.rfx.get(own.id)
    await back.open()
    expect(await back.comments()).toHaveLength(3)
    await back.comment('Takk.')
    await own.reload()
    expect(await own.check()).toEqual([])
    await expect(send(bjorn, 'GET', `/nokkel/rfx/${own.id}`)).rejects.toThrow('not_found')
  }, 120_000)
})
