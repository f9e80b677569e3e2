import type { SandboxClient } from '../client.ts'
import { fullName, type Person } from '../person.ts'
import type { ProviderName } from '../scenarios/scenario.ts'
import { html } from './html.ts'
import { page } from './layout.ts'
import { type Language, texts } from './texts.ts'

export interface ConsentPage {
  readonly provider: ProviderName
  readonly client: SandboxClient
  readonly person: Person
  readonly scopes: ReadonlySet<string>
  /** What was chosen on the page before, to be sent again. */
  readonly form: Readonly<Record<string, string>>
  readonly language: Language
}

/** Lists what the client will learn; all of it or nothing, as at Vipps. */
export function consentPage({ provider, client, person, scopes, form, language }: ConsentPage): string {
  const text = texts[language]
  const shared = (Object.keys(text.scopes) as (keyof typeof text.scopes)[])
    .filter((scope) => scopes.has(scope) && (scope !== 'nin' || client.nationalNumber))
    .map((scope) => html`<dt>${text.scopes[scope]}</dt><dd>${values[scope](person) || text.nothing}</dd>\n`)
  const content = html`<p>${fullName(person)}</p>
<dl>${shared}</dl>
<form method="post" action="?lang=${language}">
${Object.entries(form).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`)}<button class="primary" name="action" value="approve" data-action="approve" autofocus>${text.approve}</button>
<button class="secondary" name="action" value="cancel" data-action="cancel">${text.cancel}</button>
</form>`
  return page({ language, provider, title: text.shares(client.name ?? client.clientId), content })
}

const values: Record<keyof (typeof texts)['nb']['scopes'], (person: Person) => string> = {
  name: fullName,
  phoneNumber: (person) => `+${person.phoneNumber}`,
  email: (person) => person.email,
  address: ({ addresses }) =>
    addresses.map(({ street, postalCode, region }) => `${street}\n${postalCode} ${region}`).join('\n\n'),
  birthDate: (person) => person.birthDate,
  gender: (person) => person.gender,
  nin: (person) => person.nationalNumber ?? '',
}
