import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../node_modules/.cache/nokkel/', import.meta.url))

/**
 * A directory that is made once and then found by name. `fill` writes into a private directory which takes its name only
 * when it is complete, so two processes may make the same one.
 */
export async function cachedDirectory(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const finished = join(root, name)
  if (existsSync(finished)) return finished
  mkdirSync(root, { recursive: true })
  const draft = mkdtempSync(join(root, 'draft-'))
  try {
    await fill(draft)
    renameSync(draft, finished)
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(finished)) throw cause
  }
  return finished
}
