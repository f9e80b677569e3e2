/** Draws the icons of the installed application from its mark: `npm run icons -w @nokkel/web`, when the mark has changed. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { launchOptions } from './testing/chromium.ts'

const directory = new URL('../apps/web/public/', import.meta.url)
const mark = readFileSync(new URL('favicon.svg', directory), 'utf8')

/** Ground to the edges, for systems that cut icons to a form of their own; the key is within what none of them cuts off. */
const uncut = mark
  .replace('viewBox="0 0 32 32"', 'viewBox="-2 -2 36 36"')
  .replace('<rect width="32" height="32" rx="8"', '<rect x="-2" y="-2" width="36" height="36"')

const icons = [
  { name: 'icon-192.png', size: 192, svg: mark },
  { name: 'icon-512.png', size: 512, svg: mark },
  { name: 'icon-maskable-512.png', size: 512, svg: uncut },
  { name: 'apple-touch-icon.png', size: 180, svg: uncut },
]

const browser = await chromium.launch(await launchOptions())
const page = await browser.newPage()
for (const { name, size, svg } of icons) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`)
  await page.screenshot({ path: fileURLToPath(new URL(name, directory)), omitBackground: true })
}
await browser.close()
