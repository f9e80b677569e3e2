import * as m from './paraglide/messages.js'
import type { Role } from './wire.ts'

export const roleName: Record<Role, () => string> = {
  member: m.role_member,
  coordinator: m.role_coordinator,
  administrator: m.role_administrator,
}

export const isCoordinator = (role: Role): boolean => role !== 'member'
