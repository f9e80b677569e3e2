import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { ProviderName } from '../scenarios/scenario.ts'
import { TESTING_ONLY } from '../testing-only.ts'
import { Html, html } from './html.ts'
import { script } from './script.ts'
import { style } from './style.ts'
import { type Language, texts } from './texts.ts'

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const sources = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; img-src data:`

export interface Layout {
  readonly language: Language
  readonly title: string
  readonly provider?: ProviderName
  readonly content: Html
}

export function page({ language, title, provider, content }: Layout): string {
  const text = texts[language]
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – ${TESTING_ONLY}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body class="${provider ?? 'neutral'}">
<p class="banner" role="note"><strong>${TESTING_ONLY}</strong></p>
<main>
${provider ? html`<p class="provider">${text[provider]}</p>` : null}
<h1>${title}</h1>
${content}
</main>
<script>${new Html(script)}</script>
</body>
</html>
`.markup
}

/**
 * Headers of a page whose form leads to one of `targets`: browsers hold redirects after a form to `form-action` too.
 */
export function pageHeaders(targets: readonly string[] = []): Record<string, string> {
  const target = [...new Set(targets.map(formTarget))].map((source) => ` ${source}`).join('')
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': `${sources}; form-action 'self'${target}; base-uri 'none'; frame-ancestors 'none'`,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  }
}

function formTarget(redirectUri: string): string {
  const { origin, protocol } = new URL(redirectUri)
  return origin === 'null' ? protocol : origin
}

export function sendPage(res: ServerResponse, status: number, body: string, targets?: readonly string[]): void {
  res.writeHead(status, pageHeaders(targets)).end(body)
}
