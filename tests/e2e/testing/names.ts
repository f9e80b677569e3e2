import type { CDPSession, Page } from 'playwright'

const controls = new Set([
  'button',
  'link',
  'textbox',
  'searchbox',
  'checkbox',
  'radio',
  'combobox',
  'listbox',
  'progressbar',
  'dialog',
  'navigation',
  'image',
])

interface AccessibilityNode {
  readonly ignored: boolean
  readonly role?: { readonly value: string }
  readonly name?: { readonly value: string }
}

const sessions = new WeakMap<Page, Promise<CDPSession>>()

/** One for each page, and never given up: with any that ends go the authenticators that another one has added. */
function sessionOf(page: Page): Promise<CDPSession> {
  const session = sessions.get(page) ?? page.context().newCDPSession(page)
  sessions.set(page, session)
  return session
}

/** Roles of what a screen reader would announce without a name, from the accessibility tree of the browser. */
export async function namelessControls(page: Page): Promise<string[]> {
  const session = await sessionOf(page)
  const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: AccessibilityNode[] }
  return nodes
    .filter(({ ignored, role, name }) => !ignored && controls.has(role?.value ?? '') && !name?.value.trim())
    .map(({ role }) => role?.value ?? '')
}
