import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

export interface Transcript {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A SoftHSM of its own with one token, in a directory that is removed at the end. */
export interface SoftHsm {
  readonly directory: string
  readonly pin: string
  /** What `nokkel-pkcs11` and the server are told. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs `nokkel-pkcs11`. */
  run(words: readonly string[], changes?: Readonly<Record<string, string>>): Promise<Transcript>
  remove(): void
}

/** @throws {Error} SoftHSM is not installed. */
export function createSoftHsm(tokenLabel: string): SoftHsm {
  const directory = mkdtempSync(join(tmpdir(), 'nokkel-hsm-'))
  mkdirSync(join(directory, 'tokens'))
  const configuration = join(directory, 'softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${join(directory, 'tokens')}\nlog.level = ERROR\n`)
  const [pin, pinFile] = ['planted-pin-7291', join(directory, 'pin')]
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 })
  const made = spawnSync(
    'softhsm2-util',
    ['--init-token', '--free', '--label', tokenLabel, '--so-pin', 'so-pin-4711', '--pin', pin],
    { env: { PATH: process.env.PATH, SOFTHSM2_CONF: configuration }, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`No token was made: ${made.error?.message ?? made.stderr.trim()}`)
  const environment = {
    PATH: process.env.PATH ?? '',
    NO_COLOR: '1',
    SOFTHSM2_CONF: configuration,
    PKCS11_MODULE: process.env.SOFTHSM2_MODULE ?? '/usr/lib/softhsm/libsofthsm2.so',
    PKCS11_TOKEN: tokenLabel,
    PKCS11_PIN_FILE: pinFile,
    PKCS11_KEYRING_FILE: join(directory, 'keyring.json'),
  }
  return {
    directory,
    pin,
    environment,
    async run(words, changes = {}) {
      const child = spawn(process.execPath, ['--conditions=source', main, ...words], {
        env: { ...environment, ...changes },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let [stdout, stderr] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text
      })
      const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
      return { status, stdout: stdout.trim(), stderr: stderr.trim() }
    },
    remove: () => rmSync(directory, { recursive: true }),
  }
}
