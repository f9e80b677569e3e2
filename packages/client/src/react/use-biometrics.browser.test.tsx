import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import type { Nokkel } from '../nokkel.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { NokkelProvider, useBiometrics } from './index.ts'

let root: Root
let element: HTMLElement

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

function Biometrics({ userId }: { readonly userId: string }): ReactNode {
  const { state, enrollBiometrics } = useBiometrics()
  return (
    <button type="button" onClick={() => void enrollBiometrics(userId)}>
      {state.error ?? state.status}
    </button>
  )
}

async function render(client: Nokkel, userId: string): Promise<void> {
  await act(async () => {
    root.render(
      <NokkelProvider client={client}>
        <Biometrics userId={userId} />
      </NokkelProvider>,
    )
  })
}

const shows = (text: string) => act(() => vi.waitFor(() => expect(element.textContent).toBe(text)))

describe('useBiometrics', () => {
  it('looks for who is logged in, and follows what they choose', async () => {
    const server = createFakeServer()
    const { authenticator } = createMemoryAuthenticator()
    const { nokkel, logIn } = createFakeClient(server, { authenticator })
    await render(nokkel, server.member.id)
    expect(element.textContent).toBe('unknown')
    await act(async () => void (await logIn()))
    await shows('notEnrolled')
    await act(async () => element.querySelector('button')?.click())
    await shows('enrolled')
    await act(async () => nokkel.auth.signOut())
    await shows('unknown')
  })

  it('stays without an answer where the storage gives none, and says why when something is turned on', async () => {
    const server = createFakeServer()
    const { authenticator } = createMemoryAuthenticator()
    const storage = memoryStorage()
    const { nokkel, logIn } = createFakeClient(server, { authenticator, storage })
    await logIn()
    storage.get = () => Promise.reject(new NokkelError('storage_unavailable'))
    await render(nokkel, server.member.id)
    await shows('unknown')
    await act(async () => element.querySelector('button')?.click())
    await shows('storage_unavailable')
  })
})
