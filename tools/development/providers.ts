import { createSandbox, type Sandbox } from '@nokkel/sandbox'
import { createProviderRegistry, type Provider, type ProviderRegistry } from '@nokkel/server'

/** The partner organisations of `supabase/seed.sql`. */
const organizations = [
  { slug: 'likeperson', name: 'Likeperson' },
  { slug: 'hjertelaget', name: 'Hjertelaget' },
  { slug: 'fjordhjelpen', name: 'Fjordhjelpen' },
  { slug: 'nordlys', name: 'Nordlys' },
] as const

/** The client a partner is at both sandbox providers; the subjects in `supabase/seed.sql` depend on it. */
const clientIdOf = (slug: string) => `nokkel-${slug}`

const clientSecret = 'for-development-only'

/** A sandbox BankID and a sandbox Vipps on the same origin, where every partner has a client. */
export function createProviders(publicUrl: string): {
  readonly sandbox: Sandbox
  readonly providers: ProviderRegistry
} {
  const clientsOf = (provider: Provider) =>
    organizations.map(({ slug, name }) => ({
      clientId: clientIdOf(slug),
      clientSecret,
      name,
      redirectUris: [`${publicUrl}/callback/${provider}/${slug}`],
      nationalNumber: true,
    }))
  const sandbox = createSandbox({ publicUrl, clients: { bankid: clientsOf('bankid'), vipps: clientsOf('vipps') } })
  const providers = createProviderRegistry(
    (['bankid', 'vipps'] as const).flatMap((provider) =>
      organizations.map(({ slug }) => ({
        provider,
        organization: slug,
        issuer: sandbox[provider].issuer,
        clientId: clientIdOf(slug),
        authentication: { method: 'client_secret_basic' as const, secret: clientSecret },
        personnummer: true,
      })),
    ),
  )
  return { sandbox, providers }
}
