import { createPersonnummerIndex, type PersonnummerIndexing } from '../auth/personnummer.ts'
import { createKeyring, type Keyring, type OpenKeyring } from './keyring.ts'
import { assertRootKeys, type RootKeyProvider } from './root-keys.ts'

/** What a server can do with its root keys, once it has them. */
export interface ServerKeys {
  readonly keyring: OpenKeyring
  readonly personnummerIndex: PersonnummerIndexing
}

export interface KeyHolder {
  /** Loads the keys, once. @throws {Error} They cannot be had yet; the next call tries again. */
  open(): Promise<ServerKeys>
  /** Opens at the first use. */
  readonly keyring: Keyring
}

export function createKeyHolder(provider: RootKeyProvider): KeyHolder {
  let opening: Promise<ServerKeys> | undefined
  let opened: ServerKeys | undefined

  function open(): Promise<ServerKeys> {
    opening ??= importKeys(provider).then(
      (keys) => {
        opened = keys
        return keys
      },
      (cause) => {
        opening = undefined
        throw cause
      },
    )
    return opening
  }

  return {
    open,
    keyring: {
      get keyId() {
        if (!opened) throw new Error('The keyring is not open yet.')
        return opened.keyring.keyId
      },
      wrap: async (plaintext, context) => (await open()).keyring.wrap(plaintext, context),
      unwrap: async (envelope, context) => (await open()).keyring.unwrap(envelope, context),
    },
  }
}

async function importKeys(provider: RootKeyProvider): Promise<ServerKeys> {
  const { masterKeys, indexKey } = await provider.load()
  try {
    assertRootKeys({ masterKeys, indexKey })
    const personnummerIndex = createPersonnummerIndex(indexKey)
    const [keyring] = await Promise.all([createKeyring(masterKeys), personnummerIndex.keyId()])
    return { keyring, personnummerIndex }
  } finally {
    for (const bytes of [...masterKeys, indexKey]) bytes.fill(0)
  }
}
