import { Assurance } from '@nokkel/contract'

/** Whether one level is as high as another, or higher. */
export function reaches(level: Assurance, minimum: Assurance): boolean {
  const levels = Assurance.options
  return levels.indexOf(level) >= levels.indexOf(minimum)
}
