import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateRootKeys, withNewIndexKey } from '../../keyring/root-keys.ts'
import { splitKeyring } from '../../keyring/shared-keyring.ts'
import { fileRootKeys, formatRootKeyFile, sealedFileRootKeys } from './file.ts'

const key = '0123456789abcdef'.repeat(4)
const indexKey = 'ab'.repeat(32)

describe('root keys of a file', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-keys-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  let count = 0
  const write = (content: string, mode = 0o600) => {
    const path = join(directory, `keys-${count++}.json`)
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }
  const refusal = async (path: string) => {
    const error = await fileRootKeys(path)
      .load()
      .catch((cause: Error) => cause)
    expect(error).toBeInstanceOf(Error)
    const { message, cause } = error as Error
    expect(message).not.toContain(key.slice(0, 8))
    expect(cause).toBeUndefined()
    return message.replace(path, 'the file')
  }

  it.each([0o600, 0o400])('are what was written there, with mode %o', async (mode) => {
    const keys = generateRootKeys()
    const more = { ...keys, masterKeys: [...keys.masterKeys, ...generateRootKeys().masterKeys] }
    const path = write(formatRootKeyFile(more), mode)
    expect(await fileRootKeys(path).load()).toEqual(more)
  })

  it('are with the previous index key, and as they were written before there was one', async () => {
    const keys = generateRootKeys()
    expect(Object.keys(JSON.parse(formatRootKeyFile(keys)))).toEqual(['masterKeys', 'indexKey'])
    const rotating = withNewIndexKey(keys)
    const text = formatRootKeyFile(rotating)
    expect(Object.keys(JSON.parse(text))).toEqual(['masterKeys', 'indexKeys'])
    expect(await fileRootKeys(write(text)).load()).toEqual(rotating)
    const alone = JSON.stringify({ masterKeys: [key], indexKeys: [indexKey] })
    expect(await fileRootKeys(write(alone)).load()).toMatchObject({ indexKeys: { length: 1 } })
  })

  it.each([0o644, 0o640, 0o604, 0o622, 0o700, 0o660])('are not read with mode %o', async (mode) => {
    const path = write(formatRootKeyFile(generateRootKeys()), mode)
    expect(await refusal(path)).toBe('the file may be read or changed by others; chmod 600 makes it fit for keys.')
  })

  it('are not read through a link, from a directory or from nowhere', async () => {
    const target = write(formatRootKeyFile(generateRootKeys()))
    const link = join(directory, 'link.json')
    symlinkSync(target, link)
    expect(await refusal(link)).toBe('the file is a symbolic link; name the file itself.')
    const inside = join(directory, 'directory')
    mkdirSync(inside, { mode: 0o700 })
    expect(await refusal(inside)).toBe('the file is not a file.')
    expect(await refusal(join(directory, 'none.json'))).toBe('the file does not exist.')
  })

  it.each([
    ['no JSON', `{"masterKeys":["${key}"`],
    ['a list', '[]'],
    ['nothing', 'null'],
    ['no list of master keys', JSON.stringify({ masterKeys: key, indexKey })],
    ['index keys in two ways', JSON.stringify({ masterKeys: [key], indexKey, indexKeys: [indexKey] })],
    ['no list of index keys', JSON.stringify({ masterKeys: [key], indexKeys: indexKey })],
    ['a further member', JSON.stringify({ masterKeys: [key], indexKey, note: key })],
    ['the keys of npm start', JSON.stringify({ masterKey: key, indexKey })],
  ])('are not %s', async (_, content) => {
    expect(await refusal(write(content))).toBe('the file does not hold masterKeys and an indexKey.')
  })

  it.each([
    ['no master key', { masterKeys: [], indexKey }, 'There is no master key.'],
    ['one twice', { masterKeys: [key, key], indexKey }, 'The same master key is given twice.'],
    ['too short', { masterKeys: [key.slice(2)], indexKey }, 'A master key must be 64 hexadecimal digits (256 bits).'],
    ['no index key', { masterKeys: [key], indexKeys: [] }, 'There is no index key.'],
    [
      'no text in the list',
      { masterKeys: [key], indexKeys: [7] },
      'An index key must be 64 hexadecimal digits (256 bits).',
    ],
    ['no text', { masterKeys: [key], indexKey: 7 }, 'An index key must be 64 hexadecimal digits (256 bits).'],
  ])('are not %s', async (_, content, sentence) => {
    expect(await refusal(write(JSON.stringify(content)))).toBe(`the file: ${sentence}`)
  })

  it('are not a file without end', async () => {
    expect(await refusal(write(' '.repeat(65_537)))).toBe('the file is too long to hold keys.')
  })

  it('open with shares, when they are sealed', async () => {
    const keys = generateRootKeys()
    const { file, shares } = await splitKeyring(keys, { count: 2, threshold: 2 })
    const { seal, load } = await sealedFileRootKeys(write(file))
    for (const share of shares) await seal?.give(share)
    expect(await load()).toEqual(keys)
    await expect(sealedFileRootKeys(write(file, 0o644))).rejects.toThrow('may be read or changed by others')
    await expect(sealedFileRootKeys(write('{}'))).rejects.toThrow('The keyring file is not one')
  })

  it('are not those of another user', async () => {
    // Whoever is not root finds one of root's; root gives one away.
    const mine = write(formatRootKeyFile(generateRootKeys()))
    const asRoot = process.getuid?.() === 0
    if (asRoot) chownSync(mine, 65_534, 65_534)
    const message = await refusal(asRoot ? mine : '/etc/hosts')
    expect(message).toMatch(/ belongs to another user; it must belong to the one who runs this\.$/)
  })
})
