import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { companies, type Device, type RealServer, startRealServer } from './testing/real-server.ts'

describe.each(databaseEngines)('what is written in a project [%s]', (engine) => {
  let server: RealServer
  let silje: Device
  let kari: Device

  beforeAll(async () => {
    server = await startRealServer(engine)
    silje = await server.logIn('silje')
    kari = await server.logIn('kari')
  })
  afterAll(() => server.close())

  it('reaches the others as it was written', async () => {
    const own = await silje.nokkel.rfx.create({ title: 'Ny skole', companyId: companies.innkjop })
    await own.distribute()
    const theirs = kari.nokkel.rfx.get(own.id)
    await own.comment('Hvor mange klasserom?')
    expect((await theirs.comments()).map(({ text, author }) => [text, author.name])).toEqual([
      ['Hvor mange klasserom?', 'Silje Vik'],
    ])
  })
})
