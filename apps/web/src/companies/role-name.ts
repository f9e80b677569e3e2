import type { CompanyRole } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

export const roleName: Record<CompanyRole, () => string> = {
  member: m.company_member,
  administrator: m.company_administrator,
}
