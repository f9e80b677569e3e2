import {
  decodeBase64,
  encodeBase64,
  encodeBase64Url,
  encryptPreviousKey,
  generateRfxKey,
  importPrivateKey,
  type ManagedKey,
  type RfxKey,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RealDevice, type RealServer, startRealServer } from '../../../../tools/testing/real-server.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { directKeyWrapper, type KeyWrapper, type WrapJob } from './key-wrapper.ts'
import type { Progress, Rfx } from './rfx.ts'

// biome-ignore lint/suspicious/noExplicitAny: bodies of several operations
type Json = any

const organization = '5eed0000-0000-4000-8000-000000000003'
const buyer = '5eed0000-0000-4000-8003-000000000004'
const roerlegger = '5eed0000-0000-4000-8003-000000000003'
const malermester = '5eed0000-0000-4000-8003-000000000005'
const place = { table: 'lot', column: 'budget', row: '17' }

let real: RealServer
let cast: Awaited<ReturnType<typeof gather>>

beforeAll(async () => {
  real = await startRealServer()
  cast = await gather()
})
afterAll(() => real.close())

/** Who was made for one test goes with it, and so do its projects. */
afterEach(async () => {
  const { owner } = real.database
  await sql`delete from public.rfxs`.execute(owner)
  await sql`delete from public.app_user where name like 'Person %'`.execute(owner)
  await sql`insert into public.company_member (company_id, organization_id, user_id, role)
    values (${roerlegger}::uuid, ${organization}::uuid, ${await idOf(cast.aile)}::uuid, 'member') on conflict do nothing`.execute(
    owner,
  )
})

async function login(person: string, options: Parameters<RealServer['createDevice']>[0] = {}): Promise<RealDevice> {
  const device = real.createDevice({ organization: 'fjordhjelpen', ...options })
  expect(await device.logIn(person, 'bankid')).toMatchObject({ status: 'ready' })
  return device
}

async function gather() {
  const silje = await login('fjordhjelpen-koordinator')
  await silje.nokkel.companies.generateKey(buyer)
  return {
    silje,
    kari: await login('likeperson-medlem-1'),
    ingrid: await login('likeperson-koordinator'),
    bjorn: await login('fjordhjelpen-medlem-1'),
    aile: await login('fjordhjelpen-medlem-2'),
    ola: await login('likeperson-medlem-2'),
  }
}

describe('the story of a project', () => {
  it('from draft to approved: everybody reads from when it is theirs', async () => {
    const { silje, kari, ingrid, bjorn, ola } = cast
    const rfx = await silje.nokkel.rfx.create({ title: 'Ny skole på Vestre Haugen', companyId: buyer })
    await silje.nokkel.rfx.settled()
    expect(rfx.getSnapshot()).toMatchObject({
      state: 'ready',
      details: { title: 'Ny skole på Vestre Haugen', status: 'draft', role: 'buyer', version: 1, missing: 0 },
    })
    const sealed = await rfx.encrypt(new TextEncoder().encode('2400000'), place)

    const forKari = kari.nokkel.rfx.get(rfx.id)
    await forKari.open()
    expect(forKari.getSnapshot()).toMatchObject({ state: 'ready', error: null })
    expect(new TextDecoder().decode(await forKari.decrypt(sealed, place))).toBe('2400000')
    const forIngrid = ingrid.nokkel.rfx.get(rfx.id)
    await forIngrid.open()
    expect(forIngrid.getSnapshot()).toMatchObject({ state: 'denied', details: null })

    expect(await rfx.invite(roerlegger)).toEqual({ success: true, errors: [], wrapped: 0 })
    const review = await rfx.sendForReview()
    expect(review).toMatchObject({ success: true, wrapped: 1 })
    await forIngrid.open()
    expect(forIngrid.getSnapshot()).toMatchObject({ state: 'ready', details: { role: 'developer' } })
    expect((await bjorn.nokkel.rfx.list()).map(({ id }) => id)).not.toContain(rfx.id)

    expect(await forIngrid.approve()).toMatchObject({ success: true, wrapped: 2 })
    const forBjorn = bjorn.nokkel.rfx.get(rfx.id)
    await forBjorn.open()
    expect(forBjorn.getSnapshot()).toMatchObject({ state: 'ready', details: { role: 'supplier' } })
    expect(new TextDecoder().decode(await forBjorn.decrypt(sealed, place))).toBe('2400000')
    const [listed] = (await bjorn.nokkel.rfx.list()).filter(({ id }) => id === rfx.id)
    expect(listed).toMatchObject({ title: 'Ny skole på Vestre Haugen', state: 'ready', status: 'approved' })
    await ola.nokkel.rfx.get(rfx.id).open()
    expect(ola.nokkel.rfx.get(rfx.id).getSnapshot().state).toBe('denied')
    expect(await rfx.check()).toEqual([])
  })
})

/** A project of Silje's that Åsgårdstrand Rør is invited to, approved by Ingrid. */
async function approvedProject(title = 'Rør til skolen'): Promise<{ readonly rfx: Rfx; readonly id: string }> {
  const { silje, ingrid } = cast
  const rfx = await silje.nokkel.rfx.create({ title, companyId: buyer })
  await silje.nokkel.rfx.settled()
  await rfx.invite(roerlegger)
  await rfx.sendForReview()
  await ingrid.nokkel.rfx.get(rfx.id).approve()
  return { rfx, id: rfx.id }
}

async function stateOf({ nokkel }: RealDevice, id: string) {
  const rfx = nokkel.rfx.get(id)
  await rfx.reload()
  return rfx.getSnapshot()
}

const text = (value: string) => new TextEncoder().encode(value)
const faultsOf = async () => (await sql`select * from nokkel.rfx_faults()`.execute(real.database.owner)).rows

describe('who leaves', () => {
  it('is out at once; the next version goes to the others, and opens what was written before', async () => {
    const { silje, bjorn, aile } = cast
    const { rfx, id } = await approvedProject()
    const before = await rfx.encrypt(text('før'), place)
    expect(await stateOf(aile, id)).toMatchObject({ state: 'ready' })

    await bjorn.nokkel.companies.remove(roerlegger, await idOf(aile))
    expect(await stateOf(aile, id)).toMatchObject({ state: 'denied', details: null })
    const forBjorn = bjorn.nokkel.rfx.get(id)
    await forBjorn.reload()
    expect(forBjorn.getSnapshot()).toMatchObject({ state: 'ready', details: { rekeyPending: true, version: 1 } })
    await expect(forBjorn.encrypt(text('nå'), place)).rejects.toMatchObject({ code: 'rekey_pending' })

    // Who may make the next version makes it when it is needed.
    await rfx.reload()
    const after = await rfx.encrypt(text('etter'), place)
    await silje.nokkel.rfx.settled()
    expect(rfx.getSnapshot()).toMatchObject({ work: null, details: { rekeyPending: false, version: 2, missing: 0 } })
    expect(await forBjorn.decrypt(after, place)).toEqual(text('etter'))
    expect(await forBjorn.decrypt(before, place)).toEqual(text('før'))
    expect(forBjorn.getSnapshot()).toMatchObject({ details: { version: 2, title: 'Rør til skolen' } })
    const { rows } =
      await sql`select sequence from public.rfx_entry where rfx_id = ${id}::uuid and key_version < 2`.execute(
        real.database.owner,
      )
    expect(rows).toEqual([])
    expect(await rfx.check()).toEqual([])
    expect(await faultsOf()).toEqual([])
  })

  it('is excluded and readmitted; nobody but a buyer may', async () => {
    const { bjorn, aile } = cast
    const { rfx, id } = await approvedProject()
    await bjorn.nokkel.rfx.get(id).open()
    await expect(bjorn.nokkel.rfx.get(id).exclude(await idOf(aile))).rejects.toMatchObject({ code: 'forbidden' })
    await rfx.exclude(await idOf(aile))
    expect(rfx.getSnapshot().details).toMatchObject({
      version: 2,
      rekeyPending: false,
      excluded: [{ name: 'Áile Gaup' }],
    })
    expect(await stateOf(aile, id)).toMatchObject({ state: 'denied' })
    expect(await rfx.readmit(await idOf(aile))).toMatchObject({ success: true, wrapped: 1 })
    expect(await stateOf(aile, id)).toMatchObject({ state: 'ready', details: { version: 2 } })
    expect(await rfx.check()).toEqual([])
  })

  it('is a company: its people are out, the others go on', async () => {
    const { rfx, id } = await approvedProject()
    expect(await rfx.invite(malermester)).toMatchObject({ success: true, wrapped: 1 })
    expect(await stateOf(cast.ola, id)).toMatchObject({ state: 'ready' })
    await rfx.withdraw(malermester)
    expect(await stateOf(cast.ola, id)).toMatchObject({ state: 'denied' })
    expect(await stateOf(cast.bjorn, id)).toMatchObject({ state: 'ready', details: { version: 2 } })
  })

  it('leaves no key in memory, by logging out or by being removed, and sends nothing more', async () => {
    const { silje, kari } = cast
    const seen: RfxKey[] = []
    const keyWrapper: KeyWrapper = {
      open(job) {
        seen.push(job.key)
        return directKeyWrapper.open(job)
      },
    }
    const other = await login('likeperson-medlem-1', { keyWrapper })
    const [one, two] = [await draft(), await draft()]
    const rfx = other.nokkel.rfx.get(one.id)
    await rfx.distribute()
    await other.nokkel.rfx.get(two.id).distribute()
    expect(seen.map((key) => key.some((byte) => byte !== 0))).toEqual([true, true])

    await silje.nokkel.rfx.get(two.id).exclude(await idOf(kari))
    expect(await stateOf(other, two.id)).toMatchObject({ state: 'denied' })
    expect(seen.map((key) => key.some((byte) => byte !== 0))).toEqual([true, false])

    await other.nokkel.auth.signOut()
    expect(seen.map((key) => key.some((byte) => byte !== 0))).toEqual([false, false])
    expect(rfx.getSnapshot()).toMatchObject({ state: 'idle', details: null })
    await expect(rfx.encrypt(text('etter'), place)).rejects.toMatchObject({ code: 'signed_out' })
    expect(await stateOf(silje, one.id)).toMatchObject({ state: 'ready' })
  })
})

describe('a device that is removed', () => {
  it('keeps nothing of what it saw of projects', async () => {
    const { id } = await draft()
    const other = await login('likeperson-medlem-1')
    await other.nokkel.rfx.get(id).distribute()
    const userId = await idOf(other)
    expect(await other.storage.list('rfx_')).toEqual([`rfx_signer_v1.${userId}`, `rfx_v1.${userId}.${id}`])
    const own = (await other.nokkel.devices.list()).find(({ current }) => current)
    await other.nokkel.devices.revoke(own?.id ?? '')
    expect(await other.storage.list('rfx_')).toEqual([])
    expect(other.nokkel.rfx.get(id).getSnapshot().state).toBe('idle')
  })
})

describe('handing over', () => {
  it('names who has no key, who has a broken one, and gives it to all others', async () => {
    const people = await newPeople(3)
    const { rfx } = await draft()
    await putInCompany(people)
    await storeKey(people[1], testPrivateKeys[3])
    await storeKey(people[2], testPrivateKeys[4])
    await breakKey(people[2])
    const result = await rfx.distribute()
    expect(result).toMatchObject({ success: false, wrapped: 1 })
    expect(result.errors).toEqual(
      expect.arrayContaining([
        { companyId: buyer, userId: people[0], error: 'key_missing' },
        { companyId: buyer, userId: people[2], error: 'key_unusable' },
      ]),
    )
    expect(result.errors).toHaveLength(2)
    expect(rfx.getSnapshot().newRecipients.map(({ id: one }) => one)).toContain(people[1])
    // Again: only what is still missing.
    expect(await rfx.distribute()).toMatchObject({ success: false, wrapped: 0 })
    expect((await rfx.recipients()).find(({ ownerId }) => ownerId === people[1])).toMatchObject({ state: 'wrapped' })
  })

  it('stops at a key that has changed until somebody accepts it; the others get theirs', async () => {
    const [person, colleague] = await newPeople(2)
    await putInCompany([person])
    await storeKey(person, testPrivateKeys[3])
    const first = await draft()
    await first.rfx.distribute()
    await storeKey(person, testPrivateKeys[4])
    await putInCompany([colleague])
    await storeKey(colleague, testPrivateKeys[5] ?? testPrivateKeys[0])
    const { rfx } = await draft()
    const result = await rfx.distribute()
    expect(result).toMatchObject({
      success: false,
      errors: [{ companyId: buyer, userId: person, error: 'key_changed' }],
    })
    const changed = rfx.getSnapshot().changedRecipients
    expect(changed.map(({ id }) => id)).toEqual([person])
    await rfx.acceptKeys(changed)
    expect(rfx.getSnapshot().changedRecipients).toEqual([])
    expect(await rfx.distribute()).toMatchObject({ success: true, wrapped: 1, errors: [] })
  })

  it('is taken in turns by two who do it at once', async () => {
    const { silje, kari } = cast
    const { rfx, id } = await draft()
    await kari.nokkel.rfx.get(id).open()
    const people = await newPeople(30)
    await putInCompany(people)
    for (const [index, person] of people.entries())
      await storeKey(person, testPrivateKeys[index % testPrivateKeys.length])
    const results = await Promise.all([rfx.distribute(), kari.nokkel.rfx.get(id).distribute()])
    expect(results.map(({ success }) => success)).toEqual([true, true])
    expect(results[0].wrapped + results[1].wrapped).toBe(30)
    expect(await rfx.check()).toEqual([])
    await sql`delete from public.company_member where user_id = any (${people}::uuid[])`.execute(real.database.owner)
    await rfx.settle()
    await silje.nokkel.rfx.settled()
    expect(rfx.getSnapshot().details).toMatchObject({ version: 2, rekeyPending: false })
    expect(await rfx.check()).toEqual([])
  })

  it('is cancelled by the caller, and goes on when it is begun again', async () => {
    const { rfx } = await draft()
    const people = await newPeople(40)
    await putInCompany(people)
    for (const [index, person] of people.entries())
      await storeKey(person, testPrivateKeys[index % testPrivateKeys.length])
    const cancelling = new AbortController()
    const progress: Progress[] = []
    const onProgress = (now: Progress) => {
      progress.push(now)
      if (now.done > 0) cancelling.abort()
    }
    await expect(rfx.distribute({ signal: cancelling.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' })
    expect(progress.at(-1)?.done).toBeLessThan(40)
    expect(progress.at(-1)?.total).toBe(40)
    expect(await rfx.distribute()).toMatchObject({ success: true, wrapped: 40 })
  })

  it('is done after the login of somebody who may, unasked', async () => {
    const { rfx } = await draft()
    const [person] = await newPeople(1)
    await putInCompany([person])
    await storeKey(person, testPrivateKeys[2])
    await login('likeperson-medlem-1')
    expect((await rfx.recipients()).filter(({ state }) => state !== 'wrapped')).toEqual([])
    expect(await faultsOf()).toEqual([])
  })

  it('waits for whoever has no key of their own, and says so', async () => {
    const { rfx } = await draft()
    const [person] = await newPeople(1)
    await putInCompany([person])
    const result = await rfx.distribute()
    expect(result).toEqual({
      success: true,
      wrapped: 0,
      errors: [{ companyId: buyer, userId: person, error: 'key_missing' }],
    })
  })
})

/** Does something just before the first request to an operation reaches the server. */
function before(method: string, ending: string, act: () => Promise<unknown>): typeof globalThis.fetch {
  let done = false
  return async (input, init) => {
    if (!done && init?.method === method && new URL(String(input)).pathname.endsWith(ending)) {
      done = true
      await act()
    }
    return real.fetch(input, init)
  }
}

describe('what happens meanwhile', () => {
  it('somebody leaves while the next version is made: it is begun again, without them', async () => {
    const { rfx, id } = await draft()
    const [first, second, third] = await newPeople(3)
    await putInCompany([first, second, third])
    for (const [index, person] of [first, second, third].entries()) await storeKey(person, testPrivateKeys[index])
    await rfx.distribute()
    const fetch = before('POST', '/activate', () => leaveCompany([second]))
    const maker = await login('likeperson-medlem-1', { fetch })
    await leaveCompany([first])
    await maker.nokkel.rfx.get(id).settle()
    expect(maker.nokkel.rfx.get(id).getSnapshot().details).toMatchObject({ version: 2, rekeyPending: false })
    const names = (await maker.nokkel.rfx.get(id).recipients()).map(({ ownerId }) => ownerId)
    expect(names).toContain(third)
    expect(names).not.toContain(second)
    expect(await maker.nokkel.rfx.get(id).check()).toEqual([])
    expect(await faultsOf()).toEqual([])
  })

  it('somebody comes while the next version is made: they are added to it', async () => {
    const { rfx, id } = await draft()
    const [first, second] = await newPeople(2)
    await putInCompany([first])
    await storeKey(first, testPrivateKeys[0])
    await storeKey(second, testPrivateKeys[1])
    await rfx.distribute()
    const began: string[] = []
    const adding = before('POST', '/activate', () => putInCompany([second]))
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (init?.method === 'POST' && String(input).endsWith('/versions')) began.push(String(input))
      return adding(input, init)
    }
    const maker = await login('likeperson-medlem-1', { fetch })
    await leaveCompany([first])
    await maker.nokkel.rfx.get(id).settle()
    expect(began).toHaveLength(1)
    const recipients = await maker.nokkel.rfx.get(id).recipients()
    expect(recipients.find(({ ownerId }) => ownerId === second)).toMatchObject({ state: 'wrapped' })
    expect(await maker.nokkel.rfx.get(id).check()).toEqual([])
  })

  it('somebody gets a new key while theirs is wrapped to: the others get it, and they with the new one', async () => {
    const { id } = await draft()
    const [first, second] = await newPeople(2)
    await storeKey(first, testPrivateKeys[0])
    await storeKey(second, testPrivateKeys[1])
    const fetch = before('POST', '/wraps', () => storeKey(first, testPrivateKeys[2]))
    const maker = await login('likeperson-medlem-1', { fetch })
    await maker.nokkel.rfx.get(id).open()
    await maker.nokkel.rfx.settled()
    await putInCompany([first, second])
    expect(await maker.nokkel.rfx.get(id).distribute()).toMatchObject({ success: true, wrapped: 2, errors: [] })
    expect(await maker.nokkel.rfx.get(id).check()).toEqual([])
  })

  it('another tab sees more while this one waits for its answer: nothing is taken for rolled back', async () => {
    const { rfx, id } = await draft()
    const [person] = await newPeople(1)
    await storeKey(person, testPrivateKeys[0])
    await putInCompany([person])
    let overtaken = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await real.fetch(input, init)
      if (overtaken === 0 && init?.method === 'GET' && String(input).endsWith(`/nokkel/rfx/${id}`)) {
        overtaken = (await rfx.distribute()).wrapped
      }
      return response
    }
    const tab = real.createDevice({ organization: 'fjordhjelpen', storage: cast.silje.storage, fetch })
    await tab.nokkel.start()
    await tab.nokkel.rfx.get(id).open()
    expect(overtaken).toBe(1)
    expect(tab.nokkel.rfx.get(id).getSnapshot()).toMatchObject({ state: 'ready', error: null })
    tab.nokkel.close()
  })

  it('a changed or broken key is left out of the next version, which the others get; its owner gets it later', async () => {
    const { kari } = cast
    const { rfx } = await draft()
    const [first, second, third] = await newPeople(3)
    await putInCompany([first, second, third])
    for (const [index, person] of [first, second, third].entries()) await storeKey(person, testPrivateKeys[index])
    await rfx.distribute()
    await storeKey(first, testPrivateKeys[4])
    await breakKey(second)
    await rfx.exclude(await idOf(kari))
    expect(rfx.getSnapshot()).toMatchObject({
      details: { version: 2, rekeyPending: false },
      changedRecipients: [{ owner: 'user', id: first, name: 'Person 1' }],
    })
    const stateOfKey = async (person: string | undefined) =>
      (await rfx.recipients()).find(({ ownerId }) => ownerId === person)?.state
    expect(await Promise.all([first, second, third].map(stateOfKey))).toEqual(['missing', 'missing', 'wrapped'])
    expect((await rfx.distribute()).errors).toEqual(
      expect.arrayContaining([
        { companyId: buyer, userId: first, error: 'key_changed' },
        { companyId: buyer, userId: second, error: 'key_unusable' },
      ]),
    )
    await rfx.acceptKeys(rfx.getSnapshot().changedRecipients)
    expect(await rfx.distribute()).toMatchObject({ wrapped: 1 })
    expect(await stateOfKey(first)).toBe('wrapped')
    expect(rfx.getSnapshot().changedRecipients).toEqual([])
    expect((await rfx.check()).filter(({ problem }) => problem !== 'wrap_missing')).toEqual([])
  })
})

describe('how a key reaches somebody', () => {
  it('through their company, until it is wrapped to them', async () => {
    const { silje, ola } = cast
    const { rfx, id } = await draft()
    await putInCompany([await idOf(ola)])
    expect(await stateOf(ola, id)).toMatchObject({ state: 'ready', details: { title: 'Utkast' } })
    await rfx.reload()
    await silje.nokkel.rfx.settled()
    const [own] = (await rfx.recipients()).filter(({ name }) => name === 'Ola Fjell')
    expect(own).toMatchObject({ state: 'wrapped' })
    await leaveCompany([await idOf(ola)])
    expect(await stateOf(ola, id)).toMatchObject({ state: 'denied' })
  })

  it('not yet: they are told what happens next', async () => {
    const { ola } = cast
    const { rfx, id } = await approvedProject()
    await sql`insert into public.company_member (company_id, organization_id, user_id, role)
      values (${roerlegger}::uuid, ${organization}::uuid, ${await idOf(ola)}::uuid, 'member')`.execute(
      real.database.owner,
    )
    expect(await stateOf(ola, id)).toMatchObject({ state: 'waiting_for_key', waiting: 'not_distributed', error: null })
    const listed = (await ola.nokkel.rfx.list()).find((one) => one.id === id)
    expect(listed).toMatchObject({ title: null, state: 'waiting_for_key' })
    await expect(ola.nokkel.rfx.get(id).comments()).rejects.toMatchObject({ code: 'waiting_for_key' })
    expect(await rfx.distribute()).toMatchObject({ wrapped: 1 })
    expect(await stateOf(ola, id)).toMatchObject({ state: 'ready' })
    await sql`delete from public.company_member where company_id = ${roerlegger}::uuid and user_id = ${await idOf(ola)}::uuid`.execute(
      real.database.owner,
    )
  })

  it('with one operation of a private key for each project, however often it is looked at', async () => {
    const { id } = await draft()
    const again = await login('fjordhjelpen-koordinator')
    const decrypt = vi.spyOn(SubtleCrypto.prototype, 'decrypt')
    await again.nokkel.rfx.get(id).open()
    await again.nokkel.rfx.get(id).reload()
    await again.nokkel.rfx.list()
    await again.nokkel.rfx.get(id).comments()
    const isPrivate = ([algorithm]: readonly unknown[]) => algorithm === 'RSA-OAEP'
    expect(decrypt.mock.calls.filter(isPrivate)).toHaveLength(1)
    decrypt.mockRestore()
  })
})

/** Changes what somebody sends in the requests of one operation, or the answer to it. */
function changing(
  method: string,
  ending: string,
  change: (body: Json) => Json | Promise<Json>,
): typeof globalThis.fetch {
  return async (input, init) => {
    const isIt = init?.method === method && new URL(String(input)).pathname.endsWith(ending)
    if (!isIt || typeof init.body !== 'string') return real.fetch(input, init)
    return real.fetch(input, { ...init, body: JSON.stringify(await change(JSON.parse(init.body))) })
  }
}

describe('a member who makes what does not open', () => {
  it.each([
    ['of the key before, which opens nothing', async () => crypto.getRandomValues(new Uint8Array(80))],
    [
      'of the key before, in whose place is another',
      (job: WrapJob) => encryptPreviousKey({ ...job, previousKey: generateRfxKey() }),
    ],
  ])('%s: everybody reads on with what the server kept, and the check names it', async (_, forge) => {
    const { silje, kari } = cast
    const jobs: WrapJob[] = []
    const keyWrapper: KeyWrapper = {
      open(job) {
        jobs.push({ ...job, key: job.key.slice() as RfxKey })
        return directKeyWrapper.open(job)
      },
    }
    const { rfx, id } = await approvedProject()
    const value = await rfx.encrypt(text('før'), place)
    await rfx.comment('Skrevet før')
    expect(await stateOf(cast.bjorn, id)).toMatchObject({ state: 'ready' })
    const fetch = changing('POST', '/versions', async (body) => {
      const job = jobs.at(-1)
      if (!job) throw new Error('there is a key')
      return { ...body, previousKey: encodeBase64Url(await forge(job)) }
    })
    const member = await login('likeperson-medlem-1', { fetch, keyWrapper })
    await cast.bjorn.nokkel.companies.remove(roerlegger, await idOf(cast.aile))
    await member.nokkel.rfx.get(id).settle()
    for (const device of [silje, cast.bjorn, kari, await login('fjordhjelpen-medlem-1')]) {
      expect(await stateOf(device, id)).toMatchObject({
        state: 'ready',
        details: { version: 2, title: 'Rør til skolen' },
      })
      const project = device.nokkel.rfx.get(id)
      expect((await project.comments()).map((one) => one.text)).toEqual(['Skrevet før'])
      expect(await project.decrypt(value, place)).toEqual(text('før'))
    }
    expect(await rfx.check()).toEqual([{ problem: 'chain_broken', groupId: id, subjectType: 'rfx', subjectId: id }])
    // It may as well be the server's: nothing is written under it here before a person says so.
    await expect(rfx.comment('Skrevet etter')).rejects.toMatchObject({ code: 'key_unproven' })
    await expect(rfx.encrypt(text('etter'), place)).rejects.toMatchObject({ code: 'key_unproven' })
    await rfx.trustKeys()
    await rfx.comment('Skrevet etter')
    expect((await rfx.comments()).map((one) => one.text)).toContain('Skrevet etter')
  })

  it('of content keys: what stood there before opens them, and nobody tries in vain again and again', async () => {
    const { silje } = cast
    const { rfx, id } = await draft('Prosjekt')
    await rfx.comment('Skrevet før')
    const junk = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(80)))
    const moving = (body: Json) => ({
      ...body,
      keys: body.keys.map((one: Json) => ({ ...one, new: junk() })),
    })
    const fetch = changing('POST', '/content-keys', moving)
    const member = await login('likeperson-medlem-1', { fetch })
    const [gone] = await newPeople(1)
    await putInCompany([gone])
    await storeKey(gone, testPrivateKeys[0])
    await rfx.distribute()
    await leaveCompany([gone])
    await member.nokkel.rfx.get(id).settle()
    await member.nokkel.rfx.settled()
    for (const device of [silje, await login('fjordhjelpen-koordinator')]) {
      expect(await stateOf(device, id)).toMatchObject({ state: 'ready', details: { version: 2, title: 'Prosjekt' } })
      const comments = await device.nokkel.rfx.get(id).comments()
      expect(comments.map((one) => one.text)).toEqual(['Skrevet før'])
    }
  })

  it('of a content key that opens in no way: it is left, and not asked for again', async () => {
    const { kari } = cast
    const { rfx, id } = await draft()
    await rfx.comment('Som ikke åpnes')
    await sql`update public.rfx_entry set wrapped_key = decode(repeat('00', 80), 'hex')
      where rfx_id = ${id}::uuid and sequence = 2`.execute(real.database.owner)
    let asked = 0
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (init?.method === 'GET' && new URL(String(input)).pathname.endsWith('/content-keys')) asked++
      return real.fetch(input, init)
    }
    await rfx.exclude(await idOf(kari))
    await cast.silje.nokkel.rfx.settled()
    const other = await login('fjordhjelpen-koordinator', { fetch })
    const project = other.nokkel.rfx.get(id)
    await project.settle()
    const once = asked
    expect(once).toBeGreaterThan(0)
    for (let poll = 1; poll <= 3; poll++) {
      await project.reload()
      await other.nokkel.rfx.settle()
      await other.nokkel.rfx.settled()
    }
    expect(asked).toBe(once)
    expect((await project.comments()).map((one) => one.text)).toEqual([null])
  })

  it('of a wrap: its owner says so, waits for another, and gets it', async () => {
    const { silje, bjorn, aile } = cast
    const other = crypto.getRandomValues(new Uint8Array(32)) as RfxKey
    /** Signs and stores wraps of another key, as nobody but a member can. */
    const wrapper = (to: string): KeyWrapper => ({
      open(job) {
        const [right, wrong] = [directKeyWrapper.open(job), directKeyWrapper.open({ ...job, key: other })]
        return {
          async wrap(recipients, options) {
            const made = await right.wrap(recipients, options)
            const forged = await wrong.wrap(recipients)
            return made.map((wrap, index) => (recipients[index]?.ownerId === to ? (forged[index] ?? null) : wrap))
          },
          close: () => right.close(),
        }
      },
    })
    const made = await silje.nokkel.rfx.create({ title: 'Rør', companyId: buyer })
    await silje.nokkel.rfx.settled()
    await made.invite(roerlegger)
    await made.sendForReview()
    const member = await login('likeperson-koordinator', { keyWrapper: wrapper(await idOf(aile)) })
    expect(await member.nokkel.rfx.get(made.id).approve()).toMatchObject({ success: true, wrapped: 2 })
    expect(await stateOf(aile, made.id)).toMatchObject({
      state: 'waiting_for_key',
      waiting: 'not_distributed',
      error: null,
    })
    expect(await stateOf(bjorn, made.id)).toMatchObject({ state: 'ready' })
    expect(await made.distribute()).toMatchObject({ wrapped: 1 })
    expect(await stateOf(aile, made.id)).toMatchObject({ state: 'ready', details: { title: 'Rør' } })
  })
})

describe('openers', () => {
  it('get a group of their own; who is dismissed is not in its next version', async () => {
    const { silje, kari, bjorn } = cast
    const { rfx, id } = await approvedProject()
    await rfx.nameOpener(await idOf(silje))
    await rfx.nameOpener(await idOf(kari))
    const groups = async () => {
      const { rows } = await sql<{ id: string; version: number }>`select id, key_version as version from public.rfxs
        where parent_id = ${id}::uuid and kind = 'opening'`.execute(real.database.owner)
      return rows
    }
    expect(await groups()).toMatchObject([{ version: 1 }])
    const holders = async () => {
      const { rows } = await sql<{ user_id: string }>`select user_id from public.rfx_key_members m
        join public.rfxs r on r.id = m.rfx_id where r.parent_id = ${id}::uuid`.execute(real.database.owner)
      return rows.map(({ user_id }) => user_id).sort()
    }
    expect(await holders()).toEqual([await idOf(silje), await idOf(kari)].sort())
    await rfx.dismissOpener(await idOf(kari))
    expect(await groups()).toMatchObject([{ version: 2 }])
    expect(await holders()).toEqual([await idOf(silje)])
    expect(await rfx.check()).toEqual([])
    await bjorn.nokkel.rfx.get(id).reload()
    expect(bjorn.nokkel.rfx.get(id).getSnapshot()).toMatchObject({
      state: 'ready',
      details: { openers: [{ name: 'Silje Vik' }] },
    })
  })

  it('named by somebody else make their group when they look at the project', async () => {
    const { silje, kari } = cast
    const { rfx, id } = await approvedProject()
    await rfx.nameOpener(await idOf(kari))
    const { rows: none } = await sql`select id from public.rfxs where parent_id = ${id}::uuid`.execute(
      real.database.owner,
    )
    expect(none).toEqual([])
    await kari.nokkel.rfx.get(id).open()
    await kari.nokkel.rfx.settled()
    const { rows } = await sql`select kind from public.rfxs where parent_id = ${id}::uuid`.execute(real.database.owner)
    expect(rows).toEqual([{ kind: 'opening' }])
    expect(await stateOf(silje, id)).toMatchObject({ state: 'ready' })
  })
})

describe('who is new', () => {
  it('is shown until a person has seen it, after a reload and in another tab', async () => {
    const { silje } = cast
    const { rfx, id } = await draft()
    const [first, second] = await newPeople(2)
    await putInCompany([first])
    await storeKey(first, testPrivateKeys[0])
    await rfx.distribute()
    const idsIn = ({ newRecipients }: ReturnType<Rfx['getSnapshot']>) => newRecipients.map((one) => one.id)
    const newTab = async () => {
      const tab = real.createDevice({ organization: 'fjordhjelpen', storage: silje.storage })
      await tab.nokkel.start()
      await tab.nokkel.rfx.get(id).open()
      return tab.nokkel.rfx.get(id)
    }
    const tab = await newTab()
    expect(idsIn(tab.getSnapshot())).toEqual([first])
    await putInCompany([second])
    await storeKey(second, testPrivateKeys[1])
    await rfx.distribute()
    // What came after it was shown stays.
    await tab.acknowledgeRecipients()
    expect(idsIn((await newTab()).getSnapshot())).toEqual([second])
    await rfx.acknowledgeRecipients()
    expect(rfx.getSnapshot().newRecipients).toEqual([])
    expect((await newTab()).getSnapshot().newRecipients).toEqual([])
  })
})

describe('approval', () => {
  it('is of what was read: what came meanwhile is read first', async () => {
    const { silje, ingrid } = cast
    const rfx = await silje.nokkel.rfx.create({ title: 'Rør', companyId: buyer })
    await silje.nokkel.rfx.settled()
    await rfx.invite(roerlegger)
    const forKari = cast.kari.nokkel.rfx.get(rfx.id)
    await forKari.open()
    await forKari.comment('Vent litt')
    await expect(rfx.sendForReview()).rejects.toMatchObject({ code: 'sequence_stale' })
    await rfx.comments()
    expect(await rfx.sendForReview()).toMatchObject({ success: true })
    const forIngrid = ingrid.nokkel.rfx.get(rfx.id)
    await forIngrid.open()
    await rfx.rename('Noe annet')
    await expect(forIngrid.approve()).rejects.toMatchObject({ code: 'sequence_stale' })
    expect(rfx.getSnapshot().details?.status).toBe('in_review')
    await forIngrid.reload()
    expect(await forIngrid.approve()).toMatchObject({ success: true })
    expect(forIngrid.getSnapshot().details).toMatchObject({ title: 'Noe annet', status: 'approved' })
  })
})

describe('values of an application', () => {
  it('belong to their place and project', async () => {
    const { rfx } = await draft()
    const other = await draft()
    const sealed = await rfx.encrypt(text('17'), place)
    await expect(rfx.decrypt(sealed, { ...place, row: '18' })).rejects.toMatchObject({ code: 'rfx_tampered' })
    await expect(other.rfx.decrypt(sealed, place)).rejects.toMatchObject({ code: 'not_readable' })
    await expect(rfx.decrypt(sealed.slice(0, 40), place)).rejects.toMatchObject({ code: 'rfx_tampered' })
    await expect(rfx.decrypt(new Uint8Array(200), place)).rejects.toMatchObject({ code: 'not_readable' })
  })
})

describe('a list', () => {
  it('shows what opens, and what does not as that', async () => {
    const { silje } = cast
    const whole = await draft('Hel')
    const broken = await draft('Knust')
    await sql`update public.rfx_key_members set encrypted_symmetric_key = (
        select encrypted_symmetric_key from public.rfx_key_members where rfx_id = ${whole.id}::uuid and user_id = ${await idOf(silje)}::uuid)
      where rfx_id = ${broken.id}::uuid and user_id = ${await idOf(silje)}::uuid`.execute(real.database.owner)
    const again = await login('fjordhjelpen-koordinator')
    const items = await again.nokkel.rfx.list()
    expect(items.find(({ id }) => id === whole.id)).toMatchObject({ title: 'Hel', state: 'ready' })
    expect(items.find(({ id }) => id === broken.id)).toMatchObject({ title: null, state: 'error' })
    expect(again.nokkel.rfx.get(broken.id).getSnapshot().error).toMatchObject({ code: 'rfx_tampered' })
    await broken.rfx.delete()
    expect(broken.rfx.getSnapshot().state).toBe('denied')
  })
})

async function draft(title = 'Utkast') {
  const rfx = await cast.silje.nokkel.rfx.create({ title, companyId: buyer })
  await cast.silje.nokkel.rfx.settled()
  return { rfx, id: rfx.id }
}

async function idOf(device: RealDevice): Promise<string> {
  return device.nokkel.auth.getSnapshot().me?.id ?? ''
}

async function newPeople(count: number): Promise<[string, ...string[]]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID())
  await sql`insert into public.app_user (auth_user_id, name)
    select id, 'Person ' || n from unnest(${ids}::uuid[]) with ordinality as u (id, n)`.execute(real.database.owner)
  await sql`insert into public.organization_member (organization_id, user_id, role)
    select ${organization}::uuid, id, 'member' from unnest(${ids}::uuid[]) id`.execute(real.database.owner)
  return ids as [string, ...string[]]
}

async function putInCompany(ids: readonly (string | undefined)[]): Promise<void> {
  await sql`insert into public.company_member (company_id, organization_id, user_id, role)
    select ${buyer}::uuid, ${organization}::uuid, id, 'member' from unnest(${ids}::uuid[]) id`.execute(
    real.database.owner,
  )
}

async function leaveCompany(ids: readonly (string | undefined)[]): Promise<void> {
  await sql`delete from public.company_member where company_id = ${buyer}::uuid and user_id = any (${ids}::uuid[])`.execute(
    real.database.owner,
  )
}

/** What is stored as their public key is none any more. */
async function breakKey(userId: string | undefined): Promise<void> {
  await sql`update public.user_key set public_key = encode(decode(repeat('00', 550), 'hex'), 'base64')
    where user_id = ${userId}::uuid`.execute(real.database.owner)
}

const imported = new Map<string, Promise<ManagedKey>>()

/** Gives somebody who never logs in an active key, in the place of the one they have. Nobody opens its private half. */
async function storeKey(userId: string | undefined, privateKey: string | undefined): Promise<void> {
  if (privateKey === undefined) throw new TypeError('there is no such key')
  const managed = imported.get(privateKey) ?? importPrivateKey(decodeBase64(privateKey))
  imported.set(privateKey, managed)
  const { publicKey, thumbprint } = await managed
  await sql`update public.user_key set state = 'superseded', superseded_at = now()
    where user_id = ${userId}::uuid and state = 'active'`.execute(real.database.owner)
  await sql`insert into public.user_key (id, user_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
    select gen_random_uuid(), ${userId}::uuid, ${encodeBase64(publicKey)}, ${thumbprint}, k.encrypted_private_key, k.envelope_hash,
      k.master_key_id
    from public.user_key k where k.state = 'active' limit 1`.execute(real.database.owner)
}
