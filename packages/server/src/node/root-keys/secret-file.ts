import { constants, type FileHandle, open } from 'node:fs/promises'

const longestByteLength = 65_536

/**
 * Reads a file that only its owner, the user of this process, may read. Everything is asked of the one open file, so that
 * what was checked is what is read.
 *
 * @throws {Error} It is missing, is a link or no file, or others may read it; says which.
 */
export async function readSecretFile(path: string): Promise<Buffer> {
  const file = await openOnly(path)
  try {
    const { uid, mode, size } = await checkedStat(file, path)
    if (uid !== process.getuid?.() && process.getuid) {
      throw new Error(`${path} belongs to another user; it must belong to the one who runs this.`)
    }
    if ((mode & 0o777) !== 0o600 && (mode & 0o777) !== 0o400) {
      throw new Error(`${path} may be read or changed by others; chmod 600 makes it fit for keys.`)
    }
    if (size > longestByteLength) throw new Error(`${path} is too long to hold keys.`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

async function checkedStat(file: FileHandle, path: string) {
  const stat = await file.stat()
  if (!stat.isFile()) throw new Error(`${path} is not a file.`)
  return stat
}

async function openOnly(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Error(`${path} does not exist.`)
    if (code === 'ELOOP') throw new Error(`${path} is a symbolic link; name the file itself.`)
    if (code === 'EACCES') throw new Error(`${path} may not be read by this user.`)
    throw new Error(`${path} cannot be read (${code}).`)
  }
}
