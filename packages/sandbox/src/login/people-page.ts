import { fullName, type Person } from '../person.ts'
import { scenario, scenariosOf } from '../scenarios/index.ts'
import type { ProviderName } from '../scenarios/scenario.ts'
import { type Html, html } from './html.ts'
import { page } from './layout.ts'
import { changeable } from './person-changes.ts'
import { type Language, texts } from './texts.ts'

export interface PeoplePage {
  readonly provider: ProviderName
  readonly clientName: string
  readonly people: readonly Person[]
  readonly scenario: string | undefined
  readonly language: Language
}

export function peoplePage({ provider, clientName, people, scenario: chosen, language }: PeoplePage): string {
  const text = texts[language]
  const content = html`<p class="muted">${text.notReal}</p>
<label hidden>${text.search}<input type="search" data-search autocomplete="off"></label>
<form method="post" action="?lang=${language}">
<ul>${people.map((person) => personItem(person, language))}</ul>
<label>${text.scenario}<select name="scenario">
<option value="">${text.nothingSpecial}</option>
${scenariosOf(provider).map(
  (name) =>
    html`<option value="${name}"${name === chosen ? html` selected` : null}>${scenario(name).title[language]}</option>\n`,
)}</select></label>
<details><summary>${text.changes}</summary><p class="muted">${text.changesHint}</p>
${changeable.map((name) => html`<label>${text.scopes[labels[name]]}<input name="${name}" autocomplete="off"></label>\n`)}</details>
<button class="secondary" name="action" value="cancel" data-action="cancel">${text.cancel}</button>
</form>
<p class="language"><a href="?lang=${text.other.language}" hreflang="${text.other.language}" lang="${text.other.language}">${text.other.label}</a></p>`
  return page({ language, provider, title: text.choose(clientName), content })
}

const labels = { phoneNumber: 'phoneNumber', email: 'email', nationalNumber: 'nin' } as const

function personItem(person: Person, language: Language): Html {
  const hint = [person.role[language], person.organization].filter(Boolean).join(' · ')
  return html`<li><button name="person" value="${person.id}" data-person="${person.id}"><strong>${fullName(person)}</strong><span>${hint}</span></button></li>\n`
}
