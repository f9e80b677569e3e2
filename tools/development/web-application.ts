import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export const webDirectory = join(root, 'apps/web')
const viteManifest = createRequire(join(webDirectory, 'package.json')).resolve('vite/package.json')
/** The script to run with Node, in {@link webDirectory}. */
export const viteCommand = join(dirname(viteManifest), 'bin/vite.js')

const sources = ['apps/web/src', 'apps/web/messages', 'apps/web/public', 'packages/client/src', 'packages/crypto/src']

/**
 * Gives the directory of the built web application; builds it first when it is missing or older than its sources.
 *
 * @throws {Error} The build failed.
 */
export async function builtWebApplication(report: (line: string) => void): Promise<string> {
  const directory = join(webDirectory, 'dist')
  const index = join(directory, 'index.html')
  if (existsSync(index) && newest(sources) <= statSync(index).mtimeMs) return directory
  report('Building the web application …')
  const arguments_ = [viteCommand, 'build', '--logLevel', 'error']
  const child = spawn(process.execPath, arguments_, {
    cwd: webDirectory,
    stdio: ['ignore', 'ignore', 'inherit'],
    // What the caller runs as must not decide what is built.
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('The web application could not be built; see above.')
  return directory
}

function newest(directories: readonly string[]): number {
  let latest = 0
  for (const directory of directories) {
    for (const entry of readdirSync(join(root, directory), { recursive: true, withFileTypes: true })) {
      const generated = entry.parentPath.includes('paraglide')
      if (entry.isFile() && !generated && !entry.name.includes('.test.')) {
        latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs)
      }
    }
  }
  return latest
}
