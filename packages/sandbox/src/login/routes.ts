import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Provider } from 'oidc-provider'
import type { SandboxClient } from '../client.ts'
import type { Person } from '../person.ts'
import type { ProviderDefinition } from '../provider-definition.ts'
import type { ScenarioPlan } from '../scenarios/plan.ts'
import type { Attempts } from './attempts.ts'
import { consentPage } from './consent-page.ts'
import { expiredPage } from './error-page.ts'
import { readCookie, readForm } from './form.ts'
import { sendPage } from './layout.ts'
import { peoplePage } from './people-page.ts'
import { languageOf } from './texts.ts'

/** A browser cookie of this name chooses the scenario of every login. */
const SCENARIO_COOKIE = 'sandbox_scenario'

export interface LoginDependencies {
  readonly definition: ProviderDefinition
  readonly provider: Provider
  readonly clients: ReadonlyMap<string, SandboxClient>
  readonly people: readonly Person[]
  readonly plan: ScenarioPlan
  readonly attempts: Attempts
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** The pages between the authorization request and the code: who is it, and (Vipps) may it be shared. */
export function createLoginRoutes({ definition, provider, clients, people, plan, attempts }: LoginDependencies) {
  const consents = new Set<string>()

  const finish = (req: IncomingMessage, res: ServerResponse, result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })

  async function succeed(
    req: IncomingMessage,
    res: ServerResponse,
    interaction: Interaction,
    person: Person,
    asked: string,
  ) {
    const { client_id: clientId, scope, scenario, acr_values: acrValues } = interaction.params as Record<string, string>
    const chosen = plan.choose([asked, scenario, readCookie(req, SCENARIO_COOKIE)], person)
    if (chosen.scenario.refusal) {
      const { error, description } = chosen.scenario.refusal
      return finish(req, res, { error, error_description: description })
    }
    const grant = new provider.Grant({ accountId: person.id, clientId: clientId ?? '' })
    grant.addOIDCScope(scope ?? '')
    const grantId = await grant.save()
    attempts.add(grantId, { ...chosen, person, acrValues: acrValues?.split(' ') ?? [], sessionId: randomUUID() })
    return finish(req, res, { login: { accountId: person.id, remember: false }, consent: { grantId } })
  }

  async function submit(req: IncomingMessage, res: ServerResponse, interaction: Interaction, asked: string | null) {
    const {
      client_id: clientId = '',
      redirect_uri: redirectUri,
      scope = '',
      ui_locales: locales,
    } = interaction.params as Record<string, string>
    const form = await readForm(req)
    if (form?.get('action') === 'cancel') {
      return finish(req, res, { error: 'access_denied', error_description: 'The person cancelled' })
    }
    const person = people.find(({ id }) => id === form?.get('person'))
    const client = clients.get(clientId)
    if (!form || !person || !client) return sendPage(res, 400, expiredPage(), redirectUri)

    const scenario = form.get('scenario') ?? ''
    const consent = JSON.stringify([clientId, person.id, scope])
    const mustAsk = definition.asksConsent && scope !== 'openid' && !consents.has(consent)
    if (mustAsk && form.get('action') !== 'approve') {
      const scopes = new Set(scope.split(' '))
      const language = languageOf(asked, locales)
      const body = consentPage({ provider: definition.name, client, person, scopes, scenario, language })
      return sendPage(res, 200, body, redirectUri)
    }
    consents.add(consent)
    return succeed(req, res, interaction, person, scenario)
  }

  return async (req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> => {
    const interaction = await provider.interactionDetails(req, res).catch((error: unknown) => {
      if (error instanceof errors.SessionNotFound) return null
      throw error
    })
    const asked = url.searchParams.get('lang')
    if (!interaction || !url.pathname.endsWith(`/${interaction.uid}`)) return sendPage(res, 400, expiredPage())
    if (req.method === 'POST') return submit(req, res, interaction, asked)

    const {
      client_id: clientId = '',
      redirect_uri: redirectUri,
      scenario,
      ui_locales: locales,
    } = interaction.params as Record<string, string>
    const clientName = clients.get(clientId)?.name ?? clientId
    const language = languageOf(asked, locales)
    const body = peoplePage({ provider: definition.name, clientName, people, scenario, language })
    return sendPage(res, 200, body, redirectUri)
  }
}
