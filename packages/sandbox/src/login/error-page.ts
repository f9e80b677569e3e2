import { html } from './html.ts'
import { page } from './layout.ts'
import { texts } from './texts.ts'

/** The provider cannot send the person back, so it tells them here. In both languages: it may not know which. */
export function errorPage(error: string, description: string): string {
  const content = html`<p lang="en">${texts.en.error}</p>
<dl><dt><code>${error}</code></dt><dd>${description}</dd></dl>`
  return page({ language: 'nb', title: texts.nb.error, content })
}

/** The browser has no login in progress at this address. */
export function expiredPage(): string {
  const content = html`<p>${texts.nb.expired}</p><p lang="en">${texts.en.expired}</p>`
  return page({ language: 'nb', title: texts.nb.error, content })
}

/** Nothing of the sandbox is at this address. */
export function notFoundPage(): string {
  const content = html`<p lang="en">There is nothing here.</p>`
  return page({ language: 'nb', title: 'Her er det ingenting', content })
}
