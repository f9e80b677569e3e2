import { html } from './login/html.ts'
import { page } from './login/layout.ts'
import { fullName, type Person } from './person.ts'

/** The page at the base path: what this is, and who there is. */
export function indexPage(issuers: readonly string[], people: readonly Person[]): string {
  const content = html`<p>BankID og Vipps, også ved Idura og Signicat, for utvikling og test. Ingen av personene finnes.</p>
<p lang="en">BankID and Vipps, also by Idura and Signicat, for development and tests. None of the people exists.</p>
<dl>${issuers.map(
    (issuer) =>
      html`<dt>Issuer</dt><dd><a href="${issuer.replace(/\/$/, '')}/.well-known/openid-configuration">${issuer}</a></dd>\n`,
  )}</dl>
<dl>${people.map((person) => html`<dt>${fullName(person)}</dt><dd><code>${person.id}</code> · ${person.role.nb}</dd>\n`)}</dl>`
  return page({ language: 'nb', title: 'Sandkasse', content })
}
