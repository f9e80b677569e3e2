import { fork, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
    writeFileSync(path, '')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('keeps what was appended, in order', async () => {
    expect(await fileErasureLedger(path).entries()).toEqual([])
    const ledger = fileErasureLedger(path)
    await Promise.all([1, 2, 3].map((n) => ledger.append(entryOf(n))))
    expect(await fileErasureLedger(path).entries()).toEqual([1, 2, 3].map(entryOf))
    expect(readFileSync(path, 'utf8')).toBe([1, 2, 3].map((n) => formatErasure(entryOf(n))).join(''))
    expect(readdirSync(directory)).toEqual(['erasures.jsonl'])
  })

  it('is made by nobody but the operator, also when it was there before', async () => {
    const ledger = fileErasureLedger(path)
    await ledger.append(entryOf(1))
    rmSync(path)
    const said = /erasures\.jsonl is not there\. Bring it back .* nokkel erasures export .*erasures\.jsonl\.$/
    await expect(ledger.entries()).rejects.toThrow(said)
    await expect(ledger.append(entryOf(2))).rejects.toThrow(said)
    await expect(fileErasureLedger(path).entries()).rejects.toThrow(said)
    expect(readdirSync(directory)).toEqual([])
    writeFileSync(path, formatErasure(entryOf(1)))
    await ledger.append(entryOf(2))
    expect(await ledger.entries()).toEqual([entryOf(1), entryOf(2)])
  })

  it('has whole lines of several that write at once, after what a stopped process has left', async () => {
    const half = formatErasure(entryOf(1)).slice(0, 100)
    writeFileSync(path, half)
    const ledgers = [1, 2, 3].map(() => fileErasureLedger(path))
    const many = Array.from({ length: 40 }, (_, n) => ({
      ...entryOf(2),
      id: randomUUID(),
      removed: { session: 10 ** (n % 7) },
    }))
    // As when a server and the one that takes over from it both find that it is missing: once.
    await Promise.all(
      ledgers.flatMap((ledger, n) => many.slice(n * 10, n * 10 + 20).map((entry) => ledger.append(entry))),
    )
    const read = await fileErasureLedger(path).entries()
    expect(read).toHaveLength(many.length)
    expect(new Set(read.map(({ id }) => id))).toEqual(new Set(many.map(({ id }) => id)))
  })

  it('has whole lines of several processes', async () => {
    const process = fileURLToPath(new URL('testing/append-erasures.ts', import.meta.url))
    const run = async (from: number) => {
      const child = fork(process, [path, String(from)], { execArgv: ['--conditions=source'] })
      expect(await once(child, 'exit')).toEqual([0, null])
    }
    await Promise.all([0, 10].map(run))
    expect(await fileErasureLedger(path).entries()).toHaveLength(20)
  })

  it('is taken over from a process that has ended while it was at it', async () => {
    const { pid } = spawnSync('true')
    writeFileSync(`${path}.lock`, JSON.stringify({ pid, began: null, token: 'x' }))
    await fileErasureLedger(path).append(entryOf(1))
    expect(await fileErasureLedger(path).entries()).toEqual([entryOf(1)])
    expect(readdirSync(directory)).toEqual(['erasures.jsonl'])
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
    await expect(ledger.entries()).rejects.toThrow(/nowhere.* is not there/)
    await expect(ledger.append(entryOf(1))).rejects.toThrow(/nowhere.* is not there/)
    await expect(fileErasureLedger(directory).append(entryOf(1))).rejects.toThrow('cannot be written: EISDIR')
    const good = fileErasureLedger(path)
    await good.append(entryOf(1))
    appendFileSync(path, 'x\n')
    await expect(good.entries()).rejects.toThrow('Line 2')
    writeFileSync(path, formatErasure(entryOf(1)))
    expect(await good.entries()).toEqual([entryOf(1)])
  })
})
