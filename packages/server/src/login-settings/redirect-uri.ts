import type { Provider } from '../auth/providers/provider.ts'

/** Where a provider sends the browsers of people of an organisation back to: the URI to register there. */
export function redirectUriOf(publicUrl: string, provider: Provider, organization: string): string {
  return `${publicUrl}/callback/${provider}/${organization}`
}
