import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Nokkel } from '../nokkel.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { NokkelProvider, type UseRFXCrypto, useRFXCrypto } from './index.ts'

let root: Root
let element: HTMLElement
let shown: UseRFXCrypto

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  element = document.body.appendChild(document.createElement('div'))
  root = createRoot(element)
})

afterEach(async () => {
  await act(async () => root.unmount())
  element.remove()
  vi.unstubAllGlobals()
})

function Project({ id }: { readonly id: string | null }): ReactNode {
  shown = useRFXCrypto(id)
  return `${shown.state} ${shown.details?.title ?? '-'} ${shown.error?.code ?? '-'}`
}

async function render(client: Nokkel, id: string | null): Promise<void> {
  await act(async () =>
    root.render(
      <NokkelProvider client={client}>
        <Project id={id} />
      </NokkelProvider>,
    ),
  )
}

const shows = (text: string) => act(() => vi.waitFor(() => expect(element.textContent).toBe(text)))

async function withProject() {
  const server = createFakeServer()
  const client = createFakeClient(server)
  await client.logIn(server.coordinator)
  const { id: companyId } = await client.nokkel.companies.create({ name: 'Fjord Bygg' })
  const { id } = await client.nokkel.rfx.create({ title: 'Ny skole', companyId })
  return { server, client, id }
}

describe('useRFXCrypto', () => {
  const place = { table: 'lot', column: 'budget', row: '17' }

  it('opens on mount, encrypts and decrypts, and forgets at sign-out', async () => {
    const { server, client, id } = await withProject()
    const { nokkel, logIn } = createFakeClient(server, { storage: client.storage })
    await render(nokkel, id)
    expect(element.textContent).toBe('idle - -')
    await act(async () => void (await logIn(server.coordinator)))
    await shows('ready Ny skole -')
    const sealed = await shown.encrypt(new TextEncoder().encode('2400000'), place)
    expect(new TextDecoder().decode(await shown.decrypt(sealed, place))).toBe('2400000')
    await act(async () => nokkel.auth.signOut())
    expect(element.textContent).toBe('idle - -')
    await expect(shown.decrypt(sealed, place)).rejects.toMatchObject({ code: 'signed_out' })
  })

  it('says that it is not the person’s, and is idle without an id', async () => {
    const { client } = await withProject()
    await render(client.nokkel, null)
    expect(element.textContent).toBe('idle - -')
    await expect(shown.encrypt(new Uint8Array(1), place)).rejects.toMatchObject({ code: 'waiting_for_key' })
    await render(client.nokkel, crypto.randomUUID())
    await shows('denied - -')
  })

  it('tells of what went wrong, and loads again', async () => {
    const { server, client, id } = await withProject()
    const { nokkel, logIn } = createFakeClient(server, { storage: client.storage })
    await logIn(server.coordinator)
    server.intercept('getRfx', () => new Response('{}', { status: 500 }))
    await render(nokkel, id)
    await shows('error - answer_unexpected')
    await act(async () => shown.reload())
    await shows('ready Ny skole -')
  })

  it('overwrites its key when the page is left, and opens it again when the page is shown again', async () => {
    const { client, id } = await withProject()
    await render(client.nokkel, id)
    await shows('ready Ny skole -')
    const seen: string[] = []
    const end = client.nokkel.rfx.get(id).subscribe(() => seen.push(client.nokkel.rfx.get(id).getSnapshot().state))
    await act(async () => void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
    expect(seen[0]).toBe('idle')
    await act(async () => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    await shows('ready Ny skole -')
    end()
  })
})
