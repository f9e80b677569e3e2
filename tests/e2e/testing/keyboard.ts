import type { Page } from 'playwright'

export interface Focused {
  readonly name: string
  /** Whether the focus can be seen on it. */
  readonly visible: boolean
}

/** Presses Tab until what has the focus bears the name. @throws {Error} Nothing does. */
export async function tabTo(page: Page, name: string | RegExp, limit = 80): Promise<Focused> {
  const passed: string[] = []
  for (let press = 0; press < limit; press++) {
    await page.keyboard.press('Tab')
    const focused = await focusedElement(page)
    if (typeof name === 'string' ? focused.name === name : name.test(focused.name)) return focused
    passed.push(focused.name)
  }
  throw new Error(`Tab never reached ${name}; it passed ${[...new Set(passed)].join(' | ')}`)
}

/** Goes to a link or button with Tab and presses Enter. */
export async function activate(page: Page, name: string | RegExp): Promise<Focused> {
  const focused = await tabTo(page, name)
  await page.keyboard.press('Enter')
  return focused
}

async function focusedElement(page: Page): Promise<Focused> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement)) return { name: '', visible: true }
    const labels =
      element instanceof HTMLInputElement ||
      element instanceof HTMLTextAreaElement ||
      element instanceof HTMLSelectElement
        ? element.labels
        : null
    const text = element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent ?? ''
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
    const outlined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0
    return { name: text.replace(/\s+/g, ' ').trim(), visible: outlined || boxShadow !== 'none' }
  })
}
