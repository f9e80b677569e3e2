#!/usr/bin/env node
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { environmentRootKeys, eraseRootKeys, generateRootKeys, type RootKeys, wrapKeyring } from '@nokkel/server'
import { fileRootKeys } from '@nokkel/server/node'
import { createRootKeys } from './index.ts'
import { readTokenSettings } from './settings.ts'
import { openToken, type Token } from './token.ts'
import { createKey, findKey } from './token-key.ts'

const help = `nokkel-pkcs11 <command>

  create-key          makes an AES-256 key in the token that cannot leave it
  wrap --out FILE     writes root keys to a new file that only that key opens: new ones with --new, otherwise those of
                      KEYRING_FILE or of MASTER_ENCRYPTION_KEY and INDEX_KEY, with the old ones beside them
  check               opens the file and says which token did

  PKCS11_MODULE         the library of the hardware module
  PKCS11_TOKEN          the label of the token
  PKCS11_KEY            the label of the key; default nokkel
  PKCS11_PIN_FILE       a file of mode 0600 with the PIN; or PKCS11_PIN
  PKCS11_KEYRING_FILE   for check: the file that wrap made

The server opens it with KEYRING_MODULE=@nokkel/pkcs11 nokkel serve.`

class UsageError extends Error {}

async function withToken<T>(work: (token: Token, keyLabel: string) => T | Promise<T>): Promise<T> {
  const settings = await readTokenSettings(process.env)
  const token = openToken(settings)
  try {
    return await work(token, settings.keyLabel)
  } finally {
    token.close()
  }
}

async function wrap(out: string | undefined, fresh: boolean): Promise<void> {
  if (!out) throw new UsageError('--out is missing.')
  const keys = fresh ? generateRootKeys() : await givenKeys()
  const label = await withToken(async (token, keyLabel) => {
    const text = await wrapKeyring(keys, findKey(token, keyLabel))
    await writeFile(out, text, { mode: 0o600, flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
      throw new Error(
        cause.code === 'EEXIST' ? `${out} is there already; nothing was overwritten.` : `${out}: ${cause.code}.`,
      )
    })
    return token.label
  })
  eraseRootKeys(keys)
  console.log(`Made ${out}, which the token ${JSON.stringify(label)} opens.`)
}

function givenKeys(): Promise<RootKeys> {
  const file = process.env.KEYRING_FILE
  return (file ? fileRootKeys(file) : environmentRootKeys(process.env)).load()
}

async function run(command: string | undefined, values: { out?: string; new?: boolean }): Promise<void> {
  switch (command) {
    case 'create-key': {
      const [id, label] = await withToken((token, keyLabel) => [createKey(token, keyLabel), token.label])
      console.log(`Made the key ${id} in the token ${JSON.stringify(label)}.`)
      return
    }
    case 'wrap':
      return wrap(values.out, values.new === true)
    case 'check': {
      const keys = await createRootKeys(process.env, console.log).load()
      eraseRootKeys(keys)
      return
    }
    default:
      throw new UsageError(
        command === undefined ? 'No command is given.' : `There is no command ${JSON.stringify(command)}.`,
      )
  }
}

try {
  const options = { out: { type: 'string' }, new: { type: 'boolean' }, help: { type: 'boolean' } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  if (values.help) console.log(help)
  else await run(positionals[0], values)
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException
  const usage = error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS')
  console.error(usage ? `${message} --help says more.` : message)
  process.exitCode = usage ? 2 : 1
}
