import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { environmentRootKeys, type RootKeyProvider } from '@nokkel/server'
import { fileRootKeys, sealedFileRootKeys } from '@nokkel/server/node'
import { CommandError } from '../command.ts'

/** How `--help` says where root keys come from. */
export const rootKeyHelp = `  KEYRING_FILE          a file of mode 0600, made by nokkel keyring generate --out
  SEALED_KEYRING_FILE   a file made by nokkel keyring split; opens when enough shares are given
  KEYRING_MODULE        a module that opens the keyring, such as @nokkel/pkcs11
  MASTER_ENCRYPTION_KEY, INDEX_KEY, MASTER_ENCRYPTION_KEYS_OLD
                        64 hexadecimal digits each; the last is a list of keys that only open`

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
