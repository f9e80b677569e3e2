import { createSandbox, type Sandbox } from '@nokkel/sandbox'
import {
  createProviderRegistry,
  type OrganizationDescription,
  type Provider,
  type ProviderRegistry,
  type VippsIssuers,
} from '@nokkel/server'

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

export interface DevelopmentProviders {
  readonly sandbox: Sandbox
  /** BankID, as an operator configures it. */
  readonly providers: ProviderRegistry
  /** Vipps, as it is set up in the database: to be applied to it. */
  readonly organizations: readonly OrganizationDescription[]
  readonly vippsIssuers: VippsIssuers
}

/** A sandbox BankID and a sandbox Vipps on the same origin, where every partner has a client. */
export function createProviders(publicUrl: string): DevelopmentProviders {
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
    organizations.map(({ slug }) => ({
      provider: 'bankid',
      organization: slug,
      issuer: sandbox.bankid.issuer,
      clientId: clientIdOf(slug),
      authentication: { method: 'client_secret_basic', secret: clientSecret },
      personnummer: true,
    })),
  )
  return {
    sandbox,
    providers,
    organizations: organizations.map(({ slug, name }) => ({
      slug,
      name,
      vipps: { clientId: clientIdOf(slug), clientSecret, environment: 'test', personnummerApproved: true },
    })),
    vippsIssuers: { test: sandbox.vipps.issuer },
  }
}
