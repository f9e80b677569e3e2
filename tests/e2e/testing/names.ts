import type { Page } from 'playwright'

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

/** Roles of what a screen reader would announce without a name, from the accessibility tree of the browser. */
export async function namelessControls(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: AccessibilityNode[] }
  await session.detach()
  return nodes
    .filter(({ ignored, role, name }) => !ignored && controls.has(role?.value ?? '') && !name?.value.trim())
    .map(({ role }) => role?.value ?? '')
}
