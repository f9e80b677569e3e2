import type { PersonalData } from '@nokkel/client'
import * as m from '../paraglide/messages.js'
import { getLocale } from '../paraglide/runtime.js'
import { kindName, kindOrder, memberName } from './data-names.ts'
import { codeName, isLeftOut, namesOfIds } from './data-values.ts'

const style = `
:root { color-scheme: light dark; background: light-dark(#ffffff, #16191c); color: light-dark(#1c2226, #f2f4f5) }
a { color: light-dark(#14557c, #9cc9e6) }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.75rem; line-height: 1.2 }
h2 { margin-top: 2.5rem; font-size: 1.25rem }
dl { display: grid; grid-template-columns: minmax(9rem, 15rem) 1fr; gap: 0.25rem 1.5rem; margin: 0 0 1rem; padding-top: 0.75rem; border-top: 1px solid #8888; break-inside: avoid }
dt { color: light-dark(#595959, #b3b3b3) }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
nav ul { padding-left: 1.25rem; columns: 2 }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr } dd + dt { margin-top: 0.5rem } nav ul { columns: 1 } }
@media print { nav { display: none } }
`

/** What came from people or machines elsewhere is never part of the page itself. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/**
 * The export as a page on its own, in the language in use: it can be read and printed anywhere, fetches nothing and runs
 * nothing.
 */
export function renderExport(data: PersonalData): string {
  const title = m.export_page_title({ product: m.product() })
  const { notes = [], ...kinds } = data.data
  const ordered = Object.entries(kinds).toSorted(([one], [other]) => kindOrder(one) - kindOrder(other))
  const parts = ordered.map(([kind, rows], index) => ({
    id: `part-${index + 1}`,
    name: kindName(kind),
    notes: notes.filter(({ about }) => about === kind).map((note) => textOf(note[getLocale()])),
    rows,
  }))
  const present = parts.filter(({ rows }) => rows.length > 0)
  const absent = parts.filter(({ rows }) => rows.length === 0).map(({ name }) => name)
  const names = namesOfIds(data)
  const you = rowOf([
    [m.export_page_id(), data.userId],
    [m.export_page_personnummer(), data.personnummer ?? m.export_page_personnummer_none()],
    ...(data.contact
      ? ([
          [m.account_phone(), data.contact.phoneNumber],
          [m.account_email(), data.contact.email],
          [m.account_address(), data.contact.address],
        ] as const)
      : ([[m.account_contact(), m.export_page_empty()]] as const)),
  ])
  return `<!doctype html>
<html lang="${getLocale()}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(m.export_page_when({ when: momentOf(data.exportedAt) }))}</p>
<p>${escaped(m.export_page_from())}</p>
<p>${escaped(m.export_page_short())}</p>
<p>${escaped(m.export_assignments())}</p>
</header>
<nav aria-label="${escaped(m.export_page_contents())}">
<h2>${escaped(m.export_page_contents())}</h2>
<ul>
${present.map(({ id, name, rows }) => `<li><a href="#${id}">${escaped(name)}</a> (${rows.length})</li>`).join('\n')}
</ul>
</nav>
<main>
<section>
<h2>${escaped(m.export_page_you())}</h2>
${you}
</section>
${present.map((part) => partOf(part, names, data.userId)).join('\n')}
${absent.length > 0 ? absentOf(absent) : ''}
</main>
</body>
</html>
`
}

interface Part {
  readonly id: string
  readonly name: string
  /** What the server says of such rows, in the language in use. */
  readonly notes: readonly string[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

function partOf({ id, name, notes, rows }: Part, names: ReadonlyMap<string, string>, userId: string): string {
  const content = rows.map((row) =>
    rowOf(
      Object.entries(row)
        .filter(([member, value]) => !isLeftOut(member, value, row, userId))
        .map(([member, value]) => [memberName(member), called(member, value, names)]),
    ),
  )
  const count = m.export_page_count({ count: rows.length })
  return `<section>
<h2 id="${id}">${escaped(name)}</h2>
${[count, ...notes].map((line) => `<p>${escaped(line)}</p>`).join('\n')}
${content.join('\n')}
</section>`
}

const absentOf = (names: readonly string[]): string => `<section>
<h2>${escaped(m.export_page_absent())}</h2>
<ul>${names.map((name) => `<li>${escaped(name)}</li>`).join('')}</ul>
</section>`

/** What is not known of a row takes no room; the file for machines says so. */
function rowOf(members: readonly (readonly [name: string, value: unknown])[]): string {
  const known = members.map(([name, value]) => [name, textOf(value)] as const).filter(([, text]) => text !== '')
  return `<dl>${known.map(([name, text]) => `<dt>${escaped(name)}</dt><dd>${escaped(text)}</dd>`).join('')}</dl>`
}

/** Codes and ids by their names, the rest as it is. */
function called(member: string, value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => called(member, one, names))
  if (typeof value !== 'string') return value
  return member.endsWith('_id') ? (names.get(value) ?? value) : codeName(member, value)
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? m.export_yes() : m.export_no()
  if (typeof value === 'string')
    return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value) ? momentOf(value) : value
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inner]) => `${memberName(name)}: ${textOf(inner)}`)
      .join('\n')
  }
  return String(value)
}

/** With the time zone: the page may be read somewhere else. */
const momentOf = (at: string): string =>
  new Intl.DateTimeFormat(getLocale() === 'nb' ? 'nb-NO' : 'en-GB', {
    dateStyle: 'long',
    timeStyle: 'long',
  }).format(new Date(at))
