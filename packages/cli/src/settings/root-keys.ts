import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { environmentRootKeys, type RootKeyProvider, type RootKeys } from '@nokkel/server'
import { fileRootKeys, sealedFileRootKeys } from '@nokkel/server/node'
import { CommandError } from '../command.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** How `--help` says where root keys come from. */
export const rootKeyHelp = `  KEYRING_FILE          a file of mode 0600, made by nokkel keyring generate --out
  SEALED_KEYRING_FILE   a file made by nokkel keyring split; opens when enough shares are given
  KEYRING_MODULE        a module that opens the keyring, such as @nokkel/pkcs11
  MASTER_ENCRYPTION_KEY, INDEX_KEY, MASTER_ENCRYPTION_KEYS_OLD, INDEX_KEY_OLD
                        64 hexadecimal digits each; MASTER_ENCRYPTION_KEYS_OLD is a list of keys that only open, and
                        INDEX_KEY_OLD the previous index key`

/** Where they may be: the names of the variables. */
export const rootKeySources = [
  'KEYRING_FILE',
  'SEALED_KEYRING_FILE',
  'KEYRING_MODULE',
  'MASTER_ENCRYPTION_KEY',
] as const

type Environment = Record<string, string | undefined>

/**
 * Finds out where the root keys are. Those in the environment are removed from it.
 *
 * @throws {Error} There are none, or more than one place has some.
 */
export async function readRootKeys(environment: Environment): Promise<RootKeyProvider> {
  const given = rootKeySources.filter((name) => environment[name])
  const [source] = given
  if (!source) throw new CommandError(`There are no root keys; set one of ${rootKeySources.join(', ')}.`)
  if (given.length > 1) throw new CommandError(`Set only one of ${given.join(' and ')}.`)
  const place = environment[source] as string
  switch (source) {
    case 'KEYRING_FILE':
      return fileRootKeys(place)
    case 'SEALED_KEYRING_FILE':
      return sealedFileRootKeys(place)
    case 'KEYRING_MODULE':
      return loadModule(place, environment)
    case 'MASTER_ENCRYPTION_KEY':
      return environmentRootKeys(environment)
  }
}

/**
 * The root keys themselves. Where they are sealed, asks for shares until there are enough.
 *
 * @throws {Error} As {@link readRootKeys}; no share was given, or the keys are not to be had.
 */
export async function loadRootKeys({ environment, readSecret, report }: Terminal): Promise<RootKeys> {
  const { seal, load } = await readRootKeys(environment)
  while (seal?.status().sealed) {
    const { received, required } = seal.status()
    const share = await readSecret(`Share ${received + 1} of ${required}: `)
    if (share === '') throw new CommandError('No share was given.')
    await seal.give(share).catch((cause: Error) => report(cause.message))
  }
  return load()
}

/** A module that exports `createRootKeys(environment)`, by its path or as a package of the working directory. */
async function loadModule(name: string, environment: Environment): Promise<RootKeyProvider> {
  const loaded = await importFromHere(name).catch((cause: NodeJS.ErrnoException) => {
    throw new CommandError(`KEYRING_MODULE ${name} cannot be loaded: ${cause.code ?? cause.message}.`, { cause })
  })
  if (typeof loaded.createRootKeys !== 'function') {
    throw new CommandError(`KEYRING_MODULE ${name} does not export createRootKeys.`)
  }
  return loaded.createRootKeys(environment)
}

async function importFromHere(
  name: string,
): Promise<{ createRootKeys?: (environment: Environment) => RootKeyProvider }> {
  const { resolve } = createRequire(join(process.cwd(), 'nokkel.js'))
  return import(pathToFileURL(resolve(name)).href)
}
