import { mkdirSync } from 'node:fs'
import type { Page } from 'playwright'
import { expect } from 'vitest'
import { accessibilityViolations } from './axe.ts'
import { namelessControls } from './names.ts'

const widths = [360, 1280] as const

/**
 * Looks at a page as it stands at both widths, in light and in dark: keeps the pictures in `test-output`, and expects that
 * nothing is too wide, that axe complains of nothing, and that every control has a name.
 */
export async function look(page: Page, name: string, folder = 'rfx'): Promise<void> {
  const pictures = new URL(`../../../test-output/${folder}/`, import.meta.url).pathname
  mkdirSync(pictures, { recursive: true })
  for (const width of widths) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      // Nothing half under the header.
      await page.evaluate(() => window.scrollTo(0, 0))
      await page.screenshot({
        path: `${pictures}${name}-${width}-${colorScheme}.png`,
        fullPage: true,
        animations: 'disabled',
      })
      expect(await accessibilityViolations(page), `${name}, ${width} px, ${colorScheme}`).toEqual([])
    }
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(excess, `${name} is ${excess} px too wide at ${width} px`).toBeLessThanOrEqual(0)
  }
  expect(await namelessControls(page), name).toEqual([])
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light' })
}
