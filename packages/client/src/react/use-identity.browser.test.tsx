import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Nokkel } from '../nokkel.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import { NokkelProvider, useIdentityRepository, useUserIdentity } from './index.ts'

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

/** Lets what is under way come to an end and render, until it is so. */
async function until(check: () => void, attempts = 100): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve, 10)))
  try {
    check()
  } catch (error) {
    if (attempts === 0) throw error
    await until(check, attempts - 1)
  }
}

const shows = (text: string) => until(() => expect(element.textContent).toBe(text))

function Identity({ userId }: { readonly userId?: string }): ReactNode {
  const { status, identity, error, reload } = useUserIdentity(userId)
  const name = identity === null ? '-' : identity.bankidVerified ? 'verified' : 'unverified'
  return (
    <button type="button" onClick={reload}>
      {[status, name, error].join(' ')}
    </button>
  )
}

function Watched({ seen }: { readonly seen: string[] }): ReactNode {
  const { status, identity } = useUserIdentity()
  seen.push(`${status} ${identity?.userId ?? '-'}`)
  return null
}

function Same({ expected }: { readonly expected: Nokkel }): ReactNode {
  return String(useIdentityRepository() === expected.identity)
}

describe('useUserIdentity', () => {
  it('follows a login, changes, and a sign-out', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await render(nokkel, <Identity />)
    await shows('idle - ')
    await act(async () => void (await logIn()))
    await shows('ready - ')
    const { id } = server.member
    await act(() => nokkel.identity.upsertIdentity({ userId: id }))
    await shows('ready unverified ')
    await act(() => nokkel.identity.markBankIdVerified(id))
    await shows('ready verified ')
    expect(server.log.filter((endpoint) => endpoint === 'getIdentity')).toHaveLength(1)
    await act(() => nokkel.auth.signOut())
    await shows('idle - ')
  })

  it('shows nothing of one person to the next', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    await nokkel.identity.markBankIdVerified(server.member.id)
    const seen: string[] = []
    await render(nokkel, <Watched seen={seen} />)
    await until(() => expect(seen.at(-1)).toBe(`ready ${server.member.id}`))
    seen.length = 0
    await act(async () => void (await logIn(server.coordinator)))
    await until(() => expect(seen.at(-1)).toBe('ready -'))
    const afterwards = seen.slice(seen.findIndex((each) => each.startsWith('idle') || each.startsWith('loading')))
    expect(afterwards.join()).not.toContain(server.member.id)
  })

  it('of somebody else is null, and asks nobody', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    server.log.length = 0
    await render(nokkel, <Identity userId={server.coordinator.id} />)
    await shows('ready - ')
    expect(server.log).toEqual([])
  })

  it('says what failed, and reads again when it is told to', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    server.intercept('getIdentity', () => new Refusal('server_failed', 500).toResponse())
    await render(nokkel, <Identity />)
    await shows('failed - server_failed')
    await act(async () => element.querySelector('button')?.click())
    await shows('ready - ')
  })
})

describe('useIdentityRepository', () => {
  it('gives the repository of the client', async () => {
    const { nokkel } = createFakeClient(createFakeServer())
    await render(nokkel, <Same expected={nokkel} />)
    await shows('true')
  })
})
