import { describe, expect, it } from 'vitest'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'

describe('an assignment', () => {
  it('goes from a coordinator to a member and opens there', async () => {
    const server = createFakeServer()
    const kari = createFakeClient(server)
    await kari.logIn()
    expect(kari.nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready' })
    const ingrid = createFakeClient(server)
    await ingrid.logIn(server.coordinator)

    const bytes = crypto.getRandomValues(new Uint8Array(60_000))
    await ingrid.nokkel.assignments.send({
      to: server.member.id,
      title: 'Besøk mandag',
      body: 'Klokken ti.',
      files: [new File([bytes], 'vedlegg.bin', { type: 'application/octet-stream' })],
    })
    const [item] = (await kari.nokkel.assignments.inbox()).items
    const opened = await item?.open()
    expect(opened).toMatchObject({ title: 'Besøk mandag', body: 'Klokken ti.' })
    const file = await opened?.files[0]?.blob()
    expect(new Uint8Array((await file?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes)
  })
})
