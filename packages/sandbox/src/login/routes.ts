import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Provider } from 'oidc-provider'
import type { SandboxClient } from '../client.ts'
import type { Person } from '../person.ts'
import type { AuthorizationRequest, ProviderDefinition } from '../provider-definition.ts'
import type { ScenarioPlan } from '../scenarios/plan.ts'
import { APP_TO_APP } from '../vipps/request.ts'
import { consentPage } from './consent-page.ts'
import { expiredPage } from './error-page.ts'
import { readCookie, readForm } from './form.ts'
import { hintedNumber } from './hinted-number.ts'
import { sendPage } from './layout.ts'
import type { Attempt } from './login.ts'
import { peoplePage } from './people-page.ts'
import { changePerson } from './person-changes.ts'
import { createRecent, type Recent } from './recent.ts'
import { languageOf } from './texts.ts'

/** A browser cookie of this name chooses the scenario of every login. */
const SCENARIO_COOKIE = 'sandbox_scenario'

export interface LoginDependencies {
  readonly definition: ProviderDefinition
  readonly provider: Provider
  readonly clients: ReadonlyMap<string, SandboxClient>
  readonly people: readonly Person[]
  readonly plan: ScenarioPlan
  readonly attempts: Recent<Attempt>
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** Parameters of the request that the pages look at. */
interface PageParameters extends AuthorizationRequest {
  readonly client_id?: string
  readonly redirect_uri?: string
  readonly scope?: string
  readonly scenario?: string
  readonly ui_locales?: string
}

const parametersOf = ({ params }: Interaction) => params as PageParameters

/** The pages between the authorization request and the code: who is it, and (Vipps) may it be shared. */
export function createLoginRoutes({ definition, provider, clients, people, plan, attempts }: LoginDependencies) {
  const consents = new Set<string>()
  /** What was chosen in the app of Vipps, while the person is to come back to the browser. */
  const chosenInApp = createRecent<URLSearchParams>()

  const finish = (req: IncomingMessage, res: ServerResponse, result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })

  async function succeed(
    req: IncomingMessage,
    res: ServerResponse,
    interaction: Interaction,
    person: Person,
    asked: string,
  ) {
    const { client_id: clientId, scope = '', scenario, acr_values: acrValues } = parametersOf(interaction)
    const chosen = plan.choose([asked, scenario, readCookie(req, SCENARIO_COOKIE)], person)
    const { refusal } = chosen.scenario
    if (refusal && (refusal.scope === undefined || scope.split(' ').includes(refusal.scope))) {
      return finish(req, res, { error: refusal.error, error_description: refusal.description })
    }
    const grant = new provider.Grant({ accountId: person.id, clientId: clientId ?? '' })
    grant.addOIDCScope(scope)
    const grantId = await grant.save()
    attempts.add(grantId, { ...chosen, person, acrValues: acrValues?.split(' ') ?? [], sessionId: randomUUID() })
    return finish(req, res, { login: { accountId: person.id, remember: false }, consent: { grantId } })
  }

  /** Who a form names, as far as this login may be theirs. */
  function personOf(form: URLSearchParams, interaction: Interaction): Person | null {
    const person = people.find(({ id }) => id === form.get('person'))
    const changed = person && changePerson(person, form)
    const hinted = hintedNumber(parametersOf(interaction).login_hint)
    return changed && (hinted === undefined || hinted === changed.nationalNumber) ? changed : null
  }

  async function proceed(
    req: IncomingMessage,
    res: ServerResponse,
    interaction: Interaction,
    form: URLSearchParams,
    asked: string | null,
  ) {
    const { client_id: clientId = '', scope = '', ui_locales: locales } = parametersOf(interaction)
    const person = personOf(form, interaction)
    const client = clients.get(clientId)
    if (!person || !client) return sendPage(res, 400, expiredPage(), targetsOf(interaction))

    const consent = JSON.stringify([clientId, person.id, scope])
    const mustAsk = definition.asksConsent && scope !== 'openid' && !consents.has(consent)
    if (mustAsk && form.get('action') !== 'approve') {
      const scopes = new Set(scope.split(' '))
      const language = languageOf(asked, locales)
      const { action: _, ...chosen } = Object.fromEntries(form)
      const body = consentPage({ provider: definition.name, client, person, scopes, form: chosen, language })
      return sendPage(res, 200, body, targetsOf(interaction))
    }
    consents.add(consent)
    return succeed(req, res, interaction, person, form.get('scenario') ?? '')
  }

  async function submit(
    req: IncomingMessage,
    res: ServerResponse,
    interaction: Interaction,
    url: URL,
    asked: string | null,
  ) {
    const form = await readForm(req)
    if (!form) return sendPage(res, 400, expiredPage(), targetsOf(interaction))
    const inApp = isAppToApp(interaction) && chosenInApp.get(interaction.uid) === undefined
    if (form.get('action') === 'cancel') {
      if (inApp) return openApp(res, interaction, '?error=unknown_error')
      return finish(req, res, { error: 'access_denied', error_description: 'The person cancelled' })
    }
    if (!inApp || !personOf(form, interaction)) return proceed(req, res, interaction, form, asked)
    chosenInApp.add(interaction.uid, form)
    const resume = new URL(`${url.pathname}?resume`, definition.issuer)
    return openApp(res, interaction, `&resume_uri=${encodeURIComponent(resume.href)}`)
  }

  return async (req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> => {
    const interaction = await provider.interactionDetails(req, res).catch((error: unknown) => {
      if (error instanceof errors.SessionNotFound) return null
      throw error
    })
    const asked = url.searchParams.get('lang')
    if (!interaction || !url.pathname.endsWith(`/${interaction.uid}`)) return sendPage(res, 400, expiredPage())
    if (req.method === 'POST') return submit(req, res, interaction, url, asked)

    const chosen = chosenInApp.get(interaction.uid)
    if (chosen && url.searchParams.has('resume')) return proceed(req, res, interaction, chosen, asked)

    const { client_id: clientId = '', scenario, ui_locales: locales, login_hint: hint } = parametersOf(interaction)
    const hinted = hintedNumber(hint)
    const body = peoplePage({
      provider: definition.name,
      clientName: clients.get(clientId)?.name ?? clientId,
      people: hinted === undefined ? people : people.filter(({ nationalNumber }) => nationalNumber === hinted),
      scenario,
      language: languageOf(asked, locales),
    })
    return sendPage(res, 200, body, targetsOf(interaction))
  }
}

const isAppToApp = (interaction: Interaction) => parametersOf(interaction).requested_flow === APP_TO_APP

/** Where the forms of a login may lead. */
function targetsOf(interaction: Interaction): readonly string[] {
  const { redirect_uri: redirectUri, app_callback_uri: appCallbackUri } = parametersOf(interaction)
  return [redirectUri, isAppToApp(interaction) ? appCallbackUri : undefined].filter((uri) => uri !== undefined)
}

/** The app of Vipps opens that of the client. An error comes after a second `?`, as documented. */
function openApp(res: ServerResponse, interaction: Interaction, query: string): void {
  const { app_callback_uri: appCallbackUri = '', state = '' } = parametersOf(interaction)
  const separator = appCallbackUri.includes('?') ? '&' : '?'
  const location = `${appCallbackUri}${separator}state=${encodeURIComponent(state)}${query}`
  res.writeHead(303, { Location: location, 'Cache-Control': 'no-store' }).end()
}
