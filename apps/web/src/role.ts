import type { Me } from '@nokkel/contract'

export type Role = Me['role']

export const isCoordinator = (role: Role): boolean => role !== 'member'
