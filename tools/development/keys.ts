import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { developmentMark } from '@nokkel/server'

/** The two secrets of a server, each 256 bits as 64 hexadecimal digits. */
export interface DevelopmentKeys {
  readonly masterKey: string
  readonly indexKey: string
}

/** Makes keys that production mode refuses, whoever carries them there. */
export function generateDevelopmentKeys(): DevelopmentKeys {
  return { masterKey: generateMarkedKey(), indexKey: generateMarkedKey() }
}

function generateMarkedKey(): string {
  return Buffer.concat([developmentMark, randomBytes(32 - developmentMark.byteLength)]).toString('hex')
}

/**
 * Reads the keys of a data directory; makes them when there is no such file yet.
 *
 * @throws {Error} The file holds something else. Its content is not repeated.
 */
export function openDevelopmentKeys(file: string): { readonly keys: DevelopmentKeys; readonly made: boolean } {
  const text = readIfPresent(file)
  if (text !== undefined) return { keys: parseKeys(text, file), made: false }
  const keys = generateDevelopmentKeys()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return { keys, made: true }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

function parseKeys(text: string, file: string): DevelopmentKeys {
  try {
    const { masterKey, indexKey } = JSON.parse(text) as Record<string, unknown>
    if (isKey(masterKey) && isKey(indexKey)) return { masterKey, indexKey }
  } catch {
    // Not JSON: the same sentence.
  }
  throw new Error(`${file} does not hold a masterKey and an indexKey of 64 hexadecimal digits each.`)
}

const isKey = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)
