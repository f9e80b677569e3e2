import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * RSA-4096 operations per second that the openssl command reaches: private ones, or public ones.
 *
 * @throws {Error} There is no openssl, or it printed something else.
 */
export async function measureOpensslSpeed(
  processes: number,
  seconds: number,
  operation: 'private' | 'public' = 'private',
): Promise<number> {
  const { stdout } = await promisify(execFile)('openssl', [
    'speed',
    ...['-seconds', String(seconds)],
    ...['-multi', String(processes)],
    'rsa4096',
  ])
  const [, ofPrivate, ofPublic] = /^rsa 4096 bits\s+\S+s\s+\S+s\s+([\d.]+)\s+([\d.]+)/m.exec(stdout) ?? []
  const rate = operation === 'private' ? ofPrivate : ofPublic
  if (rate === undefined) throw new Error('openssl speed printed no rate for rsa 4096 bits.')
  return Number(rate)
}
