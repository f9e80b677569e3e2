import type { Provider } from '../auth/providers/provider.ts'

/** Where a provider sends the browsers of people of an organisation back to: the URI to register there. */
export function redirectUriOf(appUrl: string, provider: Provider, organization: string): string {
  return `${appUrl}/callback/${provider}/${organization}`
}
