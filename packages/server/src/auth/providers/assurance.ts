import { Assurance } from '@nokkel/contract'
import type { ProviderDefinition } from './provider.ts'

/** Whether one level is as high as another, or higher. */
export function reaches(level: Assurance, minimum: Assurance): boolean {
  const levels = Assurance.options
  return levels.indexOf(level) >= levels.indexOf(minimum)
}

/** The highest level that a login suffices for. */
export function assuranceOf({ meetsDemand }: ProviderDefinition, acr: string | null): Assurance {
  const suffices = (minimumAssurance: Assurance) => meetsDemand(acr, { minimumAssurance, confirmInApp: false })
  return Assurance.options.findLast(suffices) ?? 'low'
}
