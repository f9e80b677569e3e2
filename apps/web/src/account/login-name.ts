import type { LinkedLogin } from '@nokkel/client'
import { providerName } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

/** What a way in is called: a Vipps is one for each organisation. */
export const nameOf = ({ provider, organization }: LinkedLogin): string =>
  organization ? m.logins_with({ provider: providerName(provider), organization }) : providerName(provider)
