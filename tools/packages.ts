import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A published package of this repository. */
export interface Package {
  readonly name: string
  /** Absolute, ends with a slash. */
  readonly directory: string
  /** Per subpath (`.`, `./node`) a file per condition, relative to the directory. */
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export const root = fileURLToPath(new URL('..', import.meta.url))

export function readPackages(): Package[] {
  return readdirSync(new URL('../packages', import.meta.url)).map((folder) => {
    const directory = fileURLToPath(new URL(`../packages/${folder}/`, import.meta.url))
    const { name, exports } = JSON.parse(readFileSync(`${directory}package.json`, 'utf8')) as Omit<Package, 'directory'>
    return { name, directory, exports }
  })
}
