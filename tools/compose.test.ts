import { readFileSync } from 'node:fs'
import { createNokkel } from '@nokkel/client/node'
import { signIn } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixedKeyGenerator } from '../packages/client/src/testing/fixed-key-generator.ts'
import { selectSetups } from '../packages/server/src/login-settings/store.ts'
import { composeDevelopment, type Development } from './compose.ts'
import { generateDevelopmentKeys } from './development/keys.ts'
import { createTestDatabase, type TestDatabase } from './testing/database.ts'

describe('the composition for development', () => {
  const keys = generateDevelopmentKeys()
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    await sql.raw(readFileSync(new URL('../supabase/seed.sql', import.meta.url), 'utf8')).execute(database.owner)
  })
  afterAll(() => database.close())

  const logIn = async ({ url }: Development, organization: string, person: string) => {
    const launched: URL[] = []
    const nokkel = createNokkel({
      url,
      organization,
      keyGenerator: fixedKeyGenerator,
      deviceName: 'Test',
      urlLauncher: { launch: (to) => void launched.push(to) },
    })
    await nokkel.auth.signIn('vipps', { consent: { personnummer: true } })
    await nokkel.auth.completeSignIn(new URL(await signIn(launched.at(-1) ?? '', { person })))
    const { status, me } = nokkel.auth.getSnapshot()
    nokkel.close()
    return { status, name: me?.name, role: me?.role }
  }
  const setups = async () =>
    (await selectSetups(database.server, null)).map(({ slug, vipps, revision, logins }) => ({
      slug,
      secretSet: vipps?.secretSet,
      environment: vipps?.environment,
      revision,
      logins,
    }))
  const compose = () => composeDevelopment({ port: 0, web: false, database: database.server, keys })

  it('lets people of every partner in by the Vipps that is stored, and stores it once', async () => {
    const first = await compose()
    const stored = await setups()
    expect(stored).toEqual(
      ['fjordhjelpen', 'hjertelaget', 'likeperson', 'nordlys'].map((slug) => ({
        slug,
        secretSet: true,
        environment: 'test',
        revision: 2,
        logins: 0,
      })),
    )
    expect(await logIn(first, 'likeperson', 'administrator')).toEqual({
      status: 'signed_in',
      name: 'Marit Strand',
      role: 'administrator',
    })
    expect(await logIn(first, 'nordlys', 'nordlys-medlem-1')).toMatchObject({ status: 'signed_in', role: 'member' })
    await first.close()
    const second = await compose()
    expect(await setups()).toEqual(
      stored.map((setup) => ({ ...setup, logins: ['likeperson', 'nordlys'].includes(setup.slug) ? 1 : 0 })),
    )
    await second.close()
  }, 60_000)
})
