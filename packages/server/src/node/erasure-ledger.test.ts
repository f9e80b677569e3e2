import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ErasureEntry, formatErasure, parseErasures } from '../rights/ledger.ts'
import { fileErasureLedger } from './erasure-ledger.ts'

const entryOf = (n: number): ErasureEntry => ({
  id: `00000000-0000-4000-8000-00000000000${n}`,
  userId: `00000000-0000-4000-9000-00000000000${n}`,
  formerIds: n === 1 ? ['00000000-0000-4000-a000-000000000001'] : [],
  erasedAt: '2026-11-21T12:00:00.123Z',
  backupsExpireAt: '2026-12-21T12:00:00.123Z',
  removed: { app_user: 1, session: n },
})

describe('fileErasureLedger', () => {
  let directory: string
  let path: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-ledger-'))
    path = join(directory, 'erasures.jsonl')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('keeps what was appended, in order, for its owner alone to read', async () => {
    expect(await fileErasureLedger(path).entries()).toEqual([])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const ledger = fileErasureLedger(path)
    await Promise.all([1, 2, 3].map((n) => ledger.append(entryOf(n))))
    expect(await fileErasureLedger(path).entries()).toEqual([1, 2, 3].map(entryOf))
    expect(readFileSync(path, 'utf8')).toBe([1, 2, 3].map((n) => formatErasure(entryOf(n))).join(''))
  })

  it('takes half a last line for none, wherever it was cut, and writes over it', async () => {
    const line = formatErasure(entryOf(2))
    for (let length = 1; length < line.length; length += 7) {
      writeFileSync(path, formatErasure(entryOf(1)) + line.slice(0, length))
      const ledger = fileErasureLedger(path)
      expect(await ledger.entries(), String(length)).toEqual([entryOf(1)])
      await ledger.append(entryOf(3))
      expect(await ledger.entries(), String(length)).toEqual([entryOf(1), entryOf(3)])
    }
  })

  it('refuses a file of which a line before the last is broken, and leaves it alone', async () => {
    const broken = ['', '{}', 'x', formatErasure(entryOf(2)).slice(0, 40), '{"v":2}', '[]', JSON.stringify(entryOf(2))]
    for (const line of broken) {
      const text = `${formatErasure(entryOf(1))}${line}\n${formatErasure(entryOf(3))}`
      writeFileSync(path, text)
      await expect(fileErasureLedger(path).entries()).rejects.toThrow(/^Line 2 of .*erasures\.jsonl is no erasure/)
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
    const extra = JSON.stringify({ ...JSON.parse(formatErasure(entryOf(1))), name: 'Kari' })
    expect(() => parseErasures(`${extra}\n`, 'x')).toThrow('Line 1 of x')
  })

  it('says that it cannot be written, and goes on when it can', async () => {
    const ledger = fileErasureLedger(join(directory, 'nowhere', 'erasures.jsonl'))
    await expect(ledger.entries()).rejects.toThrow(/nowhere.* cannot be written: ENOENT/)
    await expect(ledger.append(entryOf(1))).rejects.toThrow('cannot be written: ENOENT')
    await expect(fileErasureLedger(directory).append(entryOf(1))).rejects.toThrow('cannot be written: EISDIR')
    const good = fileErasureLedger(path)
    await good.append(entryOf(1))
    appendFileSync(path, 'x\n')
    await expect(good.entries()).rejects.toThrow('Line 2')
    writeFileSync(path, formatErasure(entryOf(1)))
    expect(await good.entries()).toEqual([entryOf(1)])
  })
})
