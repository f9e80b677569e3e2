import type { Me } from '@nokkel/client'
import * as m from './paraglide/messages.js'

type Role = Me['role']

export const roleName: Record<Role, () => string> = {
  member: m.role_member,
  coordinator: m.role_coordinator,
  administrator: m.role_administrator,
}

export const isCoordinator = (role: Role): boolean => role !== 'member'
