import { people } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  appCallbackUriOf,
  appRedirectUriOf,
  type RealServer,
  startRealServer,
} from '../../../../tools/testing/real-server.ts'
import { returnUrl } from './callback.ts'

const yes = { consent: { personnummer: true } } as const
const no = { consent: { personnummer: false } } as const
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('logging in to the real server, which may ask for the personnummer', () => {
  let real: RealServer
  beforeAll(async () => {
    real = await startRealServer({ personnummer: true })
  })
  afterAll(() => real.close())

  it('asks for what the person is shown, and for the number only with their yes', async () => {
    const { nokkel, launched, visit } = real.createDevice()
    await nokkel.bankId.signIn()
    expect(nokkel.bankId.getSnapshot().consent).toEqual({
      provider: 'bankid',
      version: 'v2',
      shares: ['name', 'birthDate'],
      personnummer: true,
    })
    await nokkel.bankId.agree({ personnummer: false })
    expect(launched[0]?.searchParams.get('scope')).toBe('openid profile')
    await nokkel.auth.completeSignIn(await visit('hjertelaget-medlem-1'))
    expect(nokkel.bankId.getSnapshot()).toMatchObject({ status: 'authenticated', personnummer: 'not_asked' })
    expect(nokkel.auth.getSnapshot().me?.personnummerVerified).toBe(false)

    await nokkel.bankId.signIn(yes)
    expect(launched[1]?.searchParams.get('scope')).toBe('openid profile nnin_altsub')
    await nokkel.auth.completeSignIn(await visit('hjertelaget-medlem-1'))
    expect(nokkel.bankId.getSnapshot()).toMatchObject({ outcome: 'signed_in', personnummer: 'verified' })
    expect(nokkel.auth.getSnapshot().me?.personnummerVerified).toBe(true)
  })

  it('logs in without the number when it does not come; BankID fills it in', async () => {
    const { nokkel, visit } = real.createDevice()
    real.sandbox.setScenario('vipps', 'missing-nin', { once: true })
    await nokkel.vipps.signIn(yes)
    await nokkel.auth.completeSignIn(await visit('ny-person'))
    expect(nokkel.vipps.getSnapshot()).toMatchObject({ status: 'authenticated', personnummer: 'absent' })
    await nokkel.bankId.link(yes)
    await nokkel.auth.completeSignIn(await visit('ny-person'))
    expect(nokkel.bankId.getSnapshot()).toMatchObject({ linked: 'identity_linked', personnummer: 'verified' })
    expect(nokkel.auth.getSnapshot().me?.personnummerVerified).toBe(true)
  })

  it('goes on without the number where Vipps refuses to be asked for it', async () => {
    const { nokkel, visit, launched } = real.createDevice()
    real.sandbox.setScenario('vipps', 'invalid-scope', { once: true })
    await nokkel.vipps.signIn(yes)
    await expect(nokkel.auth.completeSignIn(await visit('uten-adresse'))).rejects.toEqual(code('login_scope_refused'))
    await nokkel.vipps.retry()
    expect(nokkel.vipps.getSnapshot()).toMatchObject({ status: 'awaiting_consent', consent: { personnummer: false } })
    await nokkel.vipps.agree({ personnummer: true })
    expect(launched.at(-1)?.searchParams.get('scope')).toBe('openid name phoneNumber email address')
    await nokkel.auth.completeSignIn(await visit('uten-adresse'))
    expect(nokkel.vipps.getSnapshot()).toMatchObject({ status: 'authenticated', personnummer: 'not_asked' })
  })

  it('hands the hint to BankID without its being in the URL', async () => {
    const { nokkel, visit, launched } = real.createDevice()
    const person = people.find(({ id }) => id === 'nordlys-medlem-1')
    await nokkel.bankId.signIn({ ...yes, loginHint: { personnummer: person?.nationalNumber ?? '' } })
    expect([...(launched[0]?.searchParams.keys() ?? [])].sort()).toEqual(['client_id', 'request_uri', 'response_type'])
    await nokkel.auth.completeSignIn(await visit('nordlys-medlem-1'))
    expect(nokkel.bankId.getSnapshot().status).toBe('authenticated')
    await expect(
      real.createDevice().nokkel.bankId.signIn({ ...yes, loginHint: { personnummer: '01010112345' } }),
    ).rejects.toEqual(code('request_malformed'))
  })
})

describe('logging in to the real server', () => {
  let real: RealServer
  beforeAll(async () => {
    real = await startRealServer()
    await sql`delete from public.external_identity where client_id = 'nokkel-fjordhjelpen'`.execute(real.database.owner)
  })
  afterAll(() => real.close())

  it('does not offer the number where it may not be asked for', async () => {
    const { nokkel, launched, visit } = real.createDevice()
    await nokkel.vipps.signIn()
    expect(nokkel.vipps.getSnapshot().consent?.personnummer).toBe(false)
    await nokkel.vipps.agree({ personnummer: true })
    expect(launched[0]?.searchParams.get('scope')).toBe('openid name phoneNumber email address')
    await nokkel.auth.completeSignIn(await visit('likeperson-medlem-2'))
    expect(nokkel.vipps.getSnapshot()).toMatchObject({ status: 'authenticated', personnummer: 'not_asked' })
  })

  it('takes a callback once, in the browser it was begun in', async () => {
    const device = real.createDevice()
    await device.nokkel.vipps.signIn({ ...no, returnTo: '/inbox' })
    const callback = await device.visit('likeperson-medlem-1')
    const elsewhere = real.createDevice()
    await expect(elsewhere.nokkel.auth.completeSignIn(callback)).rejects.toEqual(code('login_lost'))
    const names = await device.storage.list('vipps_pkce')
    const pending = await Promise.all(names.map(async (name) => [name, await device.storage.get(name)] as const))
    const done = await device.nokkel.auth.completeSignIn(callback)
    expect(done).toMatchObject({ returnTo: '/inbox', state: { status: 'authenticated' } })
    const other = real.createDevice({ storage: device.storage })
    expect(await other.nokkel.auth.completeSignIn(callback)).toEqual(done)

    // Somebody who has the whole login, but comes second.
    for (const [name, value] of pending) await elsewhere.storage.put(name, value)
    const thief = real.createDevice({ storage: elsewhere.storage })
    await expect(thief.nokkel.auth.completeSignIn(callback)).rejects.toEqual(code('login_unknown'))
    expect(thief.nokkel.vipps.getSnapshot()).toMatchObject({ status: 'error', reason: 'login_unknown' })
    expect(thief.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(device.nokkel.auth.getSnapshot().status).toBe('signed_in')
  })

  it.each(['automatic_return', 'app_to_app_v2'] as const)('comes back to the app in the flow %s', async (flow) => {
    const appRedirectUris = { vipps: appRedirectUriOf('vipps', 'likeperson') }
    const { nokkel, visit } = real.createDevice({ appRedirectUris })
    await nokkel.vipps.signIn({ ...no, flow })
    const callback = await visit('likeperson-medlem-1')
    expect(callback.href.startsWith(flow === 'app_to_app_v2' ? appRedirectUris.vipps : real.origin)).toBe(true)
    await nokkel.auth.completeSignIn(callback)
    expect(nokkel.vipps.getSnapshot().status).toBe('authenticated')
  })

  const bothApps = {
    appRedirectUris: { vipps: appRedirectUriOf('vipps', 'likeperson') },
    appCallbackUris: { vipps: appCallbackUriOf('vipps', 'likeperson') },
  }

  it('goes from our app to that of Vipps, where it is cancelled, and can be begun again', async () => {
    const { nokkel, visit, storage } = real.createDevice(bothApps)
    await nokkel.vipps.signIn({ ...no, flow: 'app_to_app' })
    const opened = await visit('likeperson-medlem-1', { answer: 'cancel' })
    expect(opened.href).toMatch(/\?state=[^?]+\?error=unknown_error$/)
    expect(returnUrl(opened)?.href).toBe(opened.href)
    await expect(nokkel.auth.completeSignIn(opened)).rejects.toEqual(code('login_refused'))
    expect(nokkel.vipps.getSnapshot()).toEqual({ status: 'error', purpose: 'login', reason: 'login_refused' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    await nokkel.vipps.retry()
    expect(nokkel.vipps.getSnapshot().status).toBe('awaiting_callback')
    await nokkel.vipps.cancel()
  })

  it('goes from our app to that of Vipps, on in the browser, and back to ours', async () => {
    const { nokkel, visit, launched } = real.createDevice(bothApps)
    await nokkel.vipps.signIn({ ...no, flow: 'app_to_app' })
    let opened = ''
    const onAppCallback = (url: string) => {
      opened = url
    }
    const callback = await visit('likeperson-medlem-1', { onAppCallback })
    expect(opened.startsWith(appCallbackUriOf('vipps', 'likeperson'))).toBe(true)
    const { state } = await nokkel.auth.completeSignIn(new URL(opened))
    expect(state.status).toBe('awaiting_callback')
    expect(launched.at(-1)?.href).toBe(new URL(opened).searchParams.get('resume_uri'))
    await nokkel.auth.completeSignIn(callback)
    expect(nokkel.vipps.getSnapshot().status).toBe('authenticated')
  })

  it('does not leave when the app is not one of ours', async () => {
    const { nokkel, launched } = real.createDevice()
    await expect(nokkel.vipps.signIn({ ...no, flow: 'app_to_app_v2' })).rejects.toEqual(code('login_state_mismatch'))
    expect(launched).toEqual([])
  })

  it('adds a way in, shows both with what came along, and removes it again', async () => {
    const { nokkel, logIn, visit } = real.createDevice({ organization: 'fjordhjelpen' })
    await logIn('fjordhjelpen-medlem-1', 'bankid')
    const [only] = (await nokkel.logins.list()).logins
    await expect(nokkel.logins.remove(only?.id ?? '')).rejects.toEqual(code('login_last'))

    await nokkel.vipps.link(no)
    await nokkel.auth.completeSignIn(await visit('fjordhjelpen-medlem-1'))
    expect(nokkel.vipps.getSnapshot()).toMatchObject({ purpose: 'link', linked: 'identity_linked' })
    const { logins, contact } = await nokkel.logins.list()
    expect(logins.map(({ provider, current }) => [provider, current]).sort()).toEqual([
      ['bankid', true],
      ['vipps', false],
    ])
    expect(contact?.email).toBe('fjordhjelpen-medlem-1@person.example')
    await nokkel.vipps.link(no)
    await nokkel.auth.completeSignIn(await visit('fjordhjelpen-medlem-1'))
    expect(nokkel.vipps.getSnapshot().linked).toBe('already_linked')

    const used = logins.find(({ provider }) => provider === 'bankid')
    await expect(nokkel.logins.remove(used?.id ?? '')).rejects.toEqual(code('login_in_use'))
    await nokkel.logins.remove(logins.find(({ provider }) => provider === 'vipps')?.id ?? '')
    expect((await nokkel.logins.list()).logins.map(({ provider }) => provider)).toEqual(['bankid'])
  })

  it('needs a fresh login to add a way in, and goes on after one', async () => {
    const { nokkel, logIn, visit } = real.createDevice({ organization: 'fjordhjelpen' })
    await logIn('fjordhjelpen-medlem-2', 'bankid')
    await sql`update nokkel.session set authenticated_at = now() - interval '6 minutes'
      where user_id = ${nokkel.auth.getSnapshot().me?.id}::uuid`.execute(real.database.owner)
    await expect(nokkel.vipps.link(no)).rejects.toEqual(code('login_too_old'))
    await logIn('fjordhjelpen-medlem-2', 'bankid')
    await nokkel.vipps.link(no)
    await nokkel.auth.completeSignIn(await visit('fjordhjelpen-medlem-2'))
    expect(nokkel.vipps.getSnapshot().linked).toBe('identity_linked')
  })

  describe('somebody who looks like one who has an account', () => {
    /** Comes by BankID, adds the Vipps of one organisation; the Vipps of another one tells the same phone and e-mail. */
    async function known(person: string) {
      const home = real.createDevice({ organization: 'fjordhjelpen' })
      await home.logIn(person, 'bankid')
      await home.nokkel.vipps.link(no)
      await home.nokkel.auth.completeSignIn(await home.visit(person))
      const id = home.nokkel.auth.getSnapshot().me?.id
      const device = real.createDevice()
      await device.nokkel.vipps.signIn({ ...no, returnTo: '/inbox' })
      const { state } = await device.nokkel.auth.completeSignIn(await device.visit(person))
      return { ...device, id, state, home }
    }

    it('shows who they are by BankID, with the same key, although the page was left', async () => {
      const { storage, state, id } = await known('ny-person')
      expect(state).toMatchObject({ status: 'needs_linking', linking: { ways: ['bankid'] } })
      const next = real.createDevice({ storage })
      await next.nokkel.start()
      expect(next.nokkel.vipps.getSnapshot()).toEqual(state)
      await next.nokkel.bankId.signIn(no)
      expect(await next.nokkel.auth.completeSignIn(await next.visit('ny-person'))).toMatchObject({
        returnTo: '/inbox',
        state: { status: 'authenticated', outcome: 'identity_linked' },
      })
      expect(next.nokkel.auth.getSnapshot().me?.id).toBe(id)
      expect((await next.nokkel.logins.list()).logins).toHaveLength(3)
    })

    it('is not let in by the BankID of somebody else; may try again, and go on with an account of their own', async () => {
      const { nokkel, visit, id, home } = await known('uten-fnr')
      expect(nokkel.vipps.getSnapshot().status).toBe('needs_linking')
      await nokkel.bankId.signIn(no)
      await expect(nokkel.auth.completeSignIn(await visit('likeperson-koordinator'))).rejects.toEqual(
        code('login_link_mismatch'),
      )
      expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
      expect(nokkel.vipps.getSnapshot().status).toBe('needs_linking')
      await nokkel.vipps.continueAsNew()
      expect(nokkel.vipps.getSnapshot()).toMatchObject({
        status: 'authenticated',
        outcome: 'account_created',
        returnTo: '/inbox',
      })
      expect(nokkel.auth.getSnapshot().me?.id).not.toBe(id)
      home.nokkel.close()
      nokkel.close()

      const admin = real.createDevice()
      await admin.logIn('administrator', 'bankid')
      const { items } = await admin.nokkel.administration.duplicates()
      const pair = items.find(({ accounts }) => accounts.some((account) => account.id === id))
      expect(pair).toMatchObject({ evidence: 'phone_and_email', state: 'open' })
      const dismissed = await admin.nokkel.administration.dismissDuplicate(pair?.id ?? '')
      expect(dismissed.state).toBe('dismissed')
    })
  })

  it('does not add the way in of another account; an administrator merges the two, and takes it back', async () => {
    const [one, two, admin] = [1, 2, 3].map(() => real.createDevice())
    if (!one || !two || !admin) throw new Error('unreachable')
    await one.logIn('hjertelaget-medlem-1', 'bankid')
    await two.logIn('uten-adresse')
    const [first, second] = [one, two].map(({ nokkel }) => nokkel.auth.getSnapshot().me?.id ?? '')
    await one.nokkel.vipps.link(no)
    await expect(one.nokkel.auth.completeSignIn(await one.visit('uten-adresse'))).rejects.toEqual(
      code('login_of_other_account'),
    )
    expect(one.nokkel.vipps.getSnapshot()).toEqual({
      status: 'error',
      purpose: 'link',
      reason: 'login_of_other_account',
    })

    await admin.logIn('administrator', 'bankid')
    const { administration } = admin.nokkel
    const { items } = await administration.duplicates({ limit: 200 })
    const pair = items.find(({ accounts }) => accounts.every(({ id }) => id === first || id === second))
    expect(pair?.evidence).toBe('both_logins')
    const { effects, digest } = await administration.previewMerge(pair?.id ?? '', first ?? '')
    expect(effects).toContainEqual({ what: 'logins', effect: 'moves', count: 1 })
    await expect(administration.merge(pair?.id ?? '', first ?? '', 'A'.repeat(43))).rejects.toEqual(
      code('merge_changed'),
    )
    const merged = await administration.merge(pair?.id ?? '', first ?? '', digest)
    expect(merged).toMatchObject({ state: 'merged', merge: { survivor: first } })
    expect((await administration.duplicates({ state: 'merged' })).items.map(({ id }) => id)).toContain(pair?.id)
    await expect(two.nokkel.devices.list()).rejects.toMatchObject({ code: expect.any(String) })
    expect(two.nokkel.auth.getSnapshot().status).toBe('signed_out')
    await one.logIn('hjertelaget-medlem-1', 'bankid')
    expect(one.nokkel.auth.getSnapshot().me?.formerIds).toEqual([second])
    expect((await administration.undoMerge(pair?.id ?? '')).state).toBe('open')
    await one.logIn('hjertelaget-medlem-1', 'bankid')
    expect(one.nokkel.auth.getSnapshot().me?.formerIds).toEqual([])
  })

  it('tells nobody but administrators how people log in', async () => {
    const { nokkel, logIn } = real.createDevice()
    await logIn('likeperson-koordinator', 'bankid')
    const { administration } = nokkel
    await expect(administration.loginSettings()).rejects.toEqual(code('forbidden'))
    await expect(administration.duplicates()).rejects.toEqual(code('forbidden'))
    await expect(administration.setMinimumAssurance('low')).rejects.toEqual(code('forbidden'))
  })

  it('does what an administrator has set up at the next login', async () => {
    const { nokkel, logIn } = real.createDevice({ organization: 'fjordhjelpen' })
    await logIn('administrator', 'bankid')
    const { administration } = nokkel
    const { minimumAssurance, vippsRedirectUri } = await administration.loginSettings()
    expect({ minimumAssurance, vippsRedirectUri }).toEqual({
      minimumAssurance: 'low',
      vippsRedirectUri: `${real.origin}/callback/vipps/fjordhjelpen`,
    })
    const cost = { costCentre: '4300', pricePerLoginOre: 149, monthlyCap: null }
    expect((await administration.setVippsCost(cost)).cost).toEqual(cost)

    const raised = await administration.setMinimumAssurance('high')
    expect(raised).toMatchObject({
      minimumAssurance: 'high',
      warnings: expect.arrayContaining(['vipps_below_assurance']),
    })
    const visitor = real.createDevice({ organization: 'fjordhjelpen' })
    await expect(visitor.nokkel.vipps.signIn(no)).rejects.toMatchObject({
      code: 'provider_unavailable',
      data: { available: ['bankid'] },
    })
    await administration.setMinimumAssurance('low')

    const setup = {
      enabled: false,
      environment: 'test',
      clientId: 'another',
      authentication: 'client_secret_basic',
      merchantSerialNumber: null,
      personnummerApproved: false,
      confirmInApp: false,
      appRedirectUri: null,
      appCallbackUri: null,
      market: null,
    } as const
    const { vipps } = await administration.setVipps({ ...setup, clientSecret: 'never-shown-again' })
    expect(vipps).toEqual({ ...setup, secretSet: true })
    const other = { ...setup, clientId: 'another-one' }
    await expect(administration.setVipps(other)).rejects.toEqual(code('secret_required'))
    expect((await administration.checkVipps()).map(({ check }) => check)).toContain('discovery')
    await expect(visitor.nokkel.vipps.retry()).rejects.toEqual(code('provider_unavailable'))
  })
})
