import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Nokkel } from '../nokkel.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { NokkelProvider, useDeviceKeys, useLogin, useNokkel, useSession, useUserKey } from './index.ts'

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

async function render(client: Nokkel, children: ReactNode): Promise<void> {
  await act(async () => root.render(<NokkelProvider client={client}>{children}</NokkelProvider>))
}

function Status(): ReactNode {
  const session = useSession()
  const keys = useDeviceKeys()
  const userKey = useUserKey()
  return `${session.state.status} ${session.state.me?.name ?? '-'} ${keys.state.status} ${userKey.state.status}`
}

function LoginButton({ expected }: { readonly expected: Nokkel }): ReactNode {
  const isExpected = useNokkel() === expected
  const { state, signIn, agree } = useLogin('vipps')
  const onClick = () => void (state.consent ? agree({ personnummer: false }) : signIn())
  return (
    <button type="button" onClick={onClick}>
      {`${isExpected} ${state.status}`}
    </button>
  )
}

describe('the hooks', () => {
  it('follow a login, the keys, and a sign-out', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await render(nokkel, <Status />)
    expect(element.textContent).toBe('starting - none idle')
    await act(async () => void (await logIn()))
    expect(element.textContent).toBe('signed_in Kari Nordmann ready ready')
    await act(async () => nokkel.auth.signOut())
    expect(element.textContent).toBe('signed_out - none idle')
  })

  it('give the client itself, and functions that can be passed on', async () => {
    const { nokkel, launched } = createFakeClient(createFakeServer())
    await render(nokkel, <LoginButton expected={nokkel} />)
    const tap = () => act(async () => element.querySelector('button')?.click())
    const shows = (status: string) => act(() => vi.waitFor(() => expect(element.textContent).toBe(`true ${status}`)))
    await tap()
    await shows('awaiting_consent')
    expect(launched).toHaveLength(0)
    await tap()
    await shows('awaiting_callback')
    expect(launched).toHaveLength(1)
    await act(() => nokkel.vipps.cancel())
    await shows('idle')
    nokkel.close()
  })

  it('say what is missing when there is no provider', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(act(async () => root.render(<Status />))).rejects.toThrow('needs a <NokkelProvider>')
    vi.restoreAllMocks()
  })

  it('stop listening when unmounted', async () => {
    const { nokkel } = createFakeClient(createFakeServer())
    let listeners = 0
    const subscribe = (listener: () => void) => {
      listeners++
      const end = nokkel.auth.subscribe(listener)
      return () => {
        listeners--
        end()
      }
    }
    const client = { ...nokkel, auth: { ...nokkel.auth, subscribe } }
    await render(client, <Status />)
    expect(listeners).toBe(1)
    await act(async () => root.render(null))
    expect(listeners).toBe(0)
  })
})
