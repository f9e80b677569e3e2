import { execFile, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { LaunchOptions } from 'playwright'
import { cachedDirectory } from './cache.ts'

const require = createRequire(import.meta.url)

const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']

/**
 * How to start Chromium on this machine: `CHROMIUM_PATH` when set, on Linux x64 the binary that came with the npm
 * packages, elsewhere an installed Chrome.
 *
 * @throws {Error} The executable does not exist, cannot be unpacked or does not start.
 */
export async function launchOptions(): Promise<LaunchOptions> {
  const args = process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet
  const chosen = process.env.CHROMIUM_PATH
  if (chosen) {
    if (!existsSync(chosen)) throw new Error(`CHROMIUM_PATH names ${chosen}, which does not exist.`)
    return { executablePath: chosen, args }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') return { channel: 'chrome', args }
  const executablePath = join(await unpackChromium(), 'chromium')
  return { executablePath, args, env: environmentFor(executablePath) }
}

async function unpackChromium(): Promise<string> {
  const root = dirname(dirname(require.resolve('@sparticuz/chromium')))
  const { version } = require(join(root, 'package.json')) as { version: string }
  // The package unpacks into TMPDIR, and keeps a file of an older version it finds there.
  const script = `
    import chromium, { inflate } from '@sparticuz/chromium'
    await chromium.executablePath()
    await inflate(${JSON.stringify(join(root, 'bin/al2023.tar.br'))})`
  try {
    return await cachedDirectory(`chromium-${version}`, async (TMPDIR) => {
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: root,
        env: { ...process.env, TMPDIR },
      })
    })
  } catch (cause) {
    throw new Error('Chromium could not be unpacked; run npm ci, or name an installed one in CHROMIUM_PATH.', { cause })
  }
}

/** Where the system lacks the libraries or fonts that Chromium needs, those in the package stand in. */
function environmentFor(executablePath: string): Record<string, string> {
  const directory = dirname(executablePath)
  const env = { ...(process.env as Record<string, string>) }
  if (!existsSync('/etc/fonts/fonts.conf')) {
    env.FONTCONFIG_FILE = join(directory, 'fonts.conf')
    writeFileSync(
      env.FONTCONFIG_FILE,
      `<fontconfig><dir>${directory}/fonts</dir><cachedir>${directory}</cachedir></fontconfig>`,
    )
  }
  const starts = () => spawnSync(executablePath, ['--version'], { env }).status === 0
  if (starts()) return env
  env.LD_LIBRARY_PATH = join(directory, 'al2023/lib')
  if (starts()) return env
  throw new Error(`${executablePath} does not start on this system; name a Chromium that does in CHROMIUM_PATH.`)
}
