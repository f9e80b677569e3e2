import { writeFile } from 'node:fs/promises'
import { CommandError } from '../command.ts'

/** Makes a new file that only its owner may read. @throws {CommandError} It is there already, or cannot be made. */
export async function writeSecretFile(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    throw new CommandError(
      cause.code === 'EEXIST'
        ? `${path} is there already; nothing was overwritten.`
        : `${path} cannot be written: ${cause.code}.`,
      { cause },
    )
  })
}
