import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { LaunchOptions } from 'playwright'
import { cachedDirectory } from './cache.ts'

const require = createRequire(import.meta.url)

const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']

const libraryDirectories = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib64']

/**
 * How to start Chromium on this machine: `CHROMIUM_PATH` when set, on Linux x64 the binary that came with the npm
 * packages, elsewhere an installed Chrome.
 *
 * @throws {Error} The executable does not exist or cannot be unpacked.
 */
export async function launchOptions(): Promise<LaunchOptions> {
  const args = process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet
  const chosen = process.env.CHROMIUM_PATH
  if (chosen) {
    if (!existsSync(chosen)) throw new Error(`CHROMIUM_PATH names ${chosen}, which does not exist.`)
    return { executablePath: chosen, args }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') return { channel: 'chrome', args }
  const directory = await unpackChromium()
  return { executablePath: join(directory, 'chromium'), args, env: libraryEnvironment(directory) }
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

/** Where the system has no libraries or no fonts for Chromium, those in the package stand in. */
function libraryEnvironment(directory: string): Record<string, string> {
  const env = { ...(process.env as Record<string, string>) }
  if (!libraryDirectories.some((library) => existsSync(join(library, 'libnss3.so')))) {
    env.LD_LIBRARY_PATH = join(directory, 'al2023/lib')
  }
  if (!existsSync('/etc/fonts/fonts.conf')) {
    const configuration = join(directory, 'fonts.conf')
    writeFileSync(
      configuration,
      `<fontconfig><dir>${directory}/fonts</dir><cachedir>${directory}</cachedir></fontconfig>`,
    )
    env.FONTCONFIG_FILE = configuration
  }
  return env
}
