import type { Role } from './wire.ts'

export const isCoordinator = (role: Role): boolean => role !== 'member'
