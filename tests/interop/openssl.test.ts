import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeBase64, generateContentKey, importPrivateKey, importPublicKey, unwrapKey, wrapKey } from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'

const run = promisify(execFile)
const oaep = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'].flatMap((option) => [
  '-pkeyopt',
  option,
])

describe('openssl', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nokkel-openssl-'))
    await writeFile(file('private.der'), decodeBase64(testPrivateKeys[0]))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const file = (name: string) => join(directory, name)
  const openssl = (...parameters: string[]) => run('openssl', parameters)
  const read = async (name: string) => new Uint8Array(await readFile(file(name)))

  it('derives the same public key, and we take it', async () => {
    await openssl(
      'pkey',
      '-inform',
      'DER',
      '-in',
      file('private.der'),
      '-pubout',
      '-outform',
      'DER',
      '-out',
      file('public.der'),
    )
    const ours = await importPrivateKey(decodeBase64(testPrivateKeys[0]))
    expect(await read('public.der')).toEqual(ours.publicKey)
    expect((await importPublicKey(await read('public.der'))).thumbprint).toBe(ours.thumbprint)
  })

  it('opens what we wrap', async () => {
    const { key } = await importPrivateKey(decodeBase64(testPrivateKeys[0]))
    const content = generateContentKey()
    await writeFile(file('wrapped'), await wrapKey(content, key))
    const inkey = ['-inkey', file('private.der'), '-keyform', 'DER']
    await openssl('pkeyutl', '-decrypt', ...inkey, ...oaep, '-in', file('wrapped'), '-out', file('opened'))
    expect(await read('opened')).toEqual(new Uint8Array(content))
  })

  it('wraps what we open', async () => {
    const { publicKey, privateKey } = await importPrivateKey(decodeBase64(testPrivateKeys[0]))
    const content = generateContentKey()
    await writeFile(file('public.der'), publicKey)
    await writeFile(file('content'), content)
    const inkey = ['-pubin', '-inkey', file('public.der'), '-keyform', 'DER']
    await openssl('pkeyutl', '-encrypt', ...inkey, ...oaep, '-in', file('content'), '-out', file('wrapped'))
    expect(await unwrapKey(await read('wrapped'), privateKey)).toEqual(content)
  })
})
