import { errors } from 'oidc-provider'
import type { AuthorizationRequest, RequestOrigin } from '../provider-definition.ts'

/** From one app to the other and back, by way of our browser. The only flow that looks different from outside. */
export const APP_TO_APP = 'app_to_app'

const FLOWS: readonly string[] = [APP_TO_APP, 'app_to_app_v2', 'automatic_return_from_vipps_app']
const MARKETS: readonly string[] = ['NO', 'DK', 'FI', 'SE']

/** What Vipps has beside the standard parameters. */
export const vippsParameters = ['requested_flow', 'app_callback_uri', 'final_redirect_is_app', 'market'] as const

/** @throws {errors.OIDCProviderError} With the code of Vipps where it documents one. */
export function checkVippsRequest(request: AuthorizationRequest, { client }: RequestOrigin): void {
  const { state, requested_flow: flow, app_callback_uri: appCallbackUri, market } = request
  const { final_redirect_is_app: finalRedirectIsApp } = request
  if (!state || state.length < 8) throw new errors.InvalidRequest('state must be at least 8 characters')
  if (flow !== undefined && !FLOWS.includes(flow)) throw new errors.InvalidRequest('requested_flow is unknown')
  if (market !== undefined && !MARKETS.includes(market)) throw new errors.InvalidRequest('market is unknown')
  if (finalRedirectIsApp !== undefined && !['true', 'false'].includes(finalRedirectIsApp)) {
    throw new errors.InvalidRequest('final_redirect_is_app must be true or false')
  }
  if (flow !== APP_TO_APP) return
  if (!appCallbackUri || !URL.canParse(appCallbackUri)) throw refusal('invalid_app_callback_uri')
  if (!client.appCallbackUris?.includes(appCallbackUri)) throw refusal('app_callback_uri_not_registered')
}

const refusal = (code: string) => new errors.OIDCProviderError(400, code)
