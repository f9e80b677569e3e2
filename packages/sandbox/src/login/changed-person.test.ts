import { idnr } from '@navikt/fnrvalidator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { syntheticDNumber } from '../national-number.ts'
import type { ChangedPerson } from '../sign-in.ts'
import { bankidAltsub } from '../subjects.ts'
import { beginLogin, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())

async function logIn(provider: 'bankid' | 'vipps', person: string | ChangedPerson) {
  const login = await beginLogin(running, provider)
  const tokens = await login.exchange(await login.signIn({ person }))
  return { ...tokens.claims(), ...(await login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')) }
}

test('a login can show other details of a person, also after the page of consent, and only that login', async () => {
  const changes = { phoneNumber: '4700009999', email: 'kari@ny.example', nationalNumber: '02918800126' }
  const own = await logIn('vipps', 'likeperson-medlem-1')
  const changed = await logIn('vipps', { id: 'likeperson-medlem-1', ...changes })
  expect(changed).toMatchObject({
    sub: own.sub,
    name: 'Kari Nordmann',
    phone_number: '4700009999',
    phone_number_verified: true,
    email: 'kari@ny.example',
    nin: '02918800126',
  })
  const again = await logIn('vipps', 'likeperson-medlem-1')
  expect(again).toMatchObject({ phone_number: own.phone_number, email: own.email, nin: own.nin })
  expect(await logIn('vipps', { id: 'uten-adresse', phoneNumber: '4700000002' })).toMatchObject({
    name: 'Ada Tveit',
    phone_number: '4700000002',
  })
})

test('a person can have a D-number, or no number', async () => {
  const number = syntheticDNumber('1993-03-17')
  expect(number).toMatch(/^578393/)
  expect(idnr(number)).toMatchObject({ status: 'valid', type: 'dnr-and-tnr' })
  expect(await logIn('bankid', { id: 'ny-person', nationalNumber: number })).toMatchObject({
    nnin_altsub: number,
    bankid_altsub: bankidAltsub('ny-person'),
  })
  const without = await logIn('bankid', { id: 'ny-person', nationalNumber: null })
  expect(without).not.toHaveProperty('nnin_altsub')
})

test.each([{ phoneNumber: '+4700009999' }, { email: 'nobody' }, { nationalNumber: '123' }])(
  '%j is not taken',
  async (changes) => {
    const login = await beginLogin(running, 'bankid')
    await expect(login.signIn({ person: { id: 'ny-person', ...changes } })).rejects.toMatchObject({
      code: 'page_unexpected',
    })
  },
)
