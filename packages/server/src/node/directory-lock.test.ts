import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDirectory } from './directory-lock.ts'

describe('directory lock', () => {
  let root: string
  let directory: string
  let file: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nokkel-lock-'))
    directory = join(root, 'data')
    file = `${directory}.lock`
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is held once, and again after it is released', async () => {
    const lock = await lockDirectory(directory)
    await expect(lockDirectory(directory)).rejects.toThrow(`in use by process ${process.pid}`)
    lock.release()
    expect(existsSync(file)).toBe(false)
    ;(await lockDirectory(directory)).release()
  })

  it('is refused while another process lives, and taken over when it is gone', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(other, 'spawn')
    writeFileSync(file, JSON.stringify({ pid: other.pid, began: null, token: 'other' }))
    await expect(lockDirectory(directory)).rejects.toThrow(`in use by process ${other.pid}`)
    expect(JSON.parse(readFileSync(file, 'utf8')).token).toBe('other')
    other.kill('SIGKILL')
    await once(other, 'exit')
    const lock = await lockDirectory(directory)
    lock.release()
    expect(readdirSync(root)).toEqual([])
  })

  it('is taken over from a process whose id another one has now', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(other, 'spawn')
    writeFileSync(file, JSON.stringify({ pid: other.pid, began: '1', token: 'gone' }))
    ;(await lockDirectory(directory)).release()
    other.kill('SIGKILL')
  })

  it('of another host counts for as long as is said, since nobody knows here whether its process lives', async () => {
    writeFileSync(file, JSON.stringify({ host: 'elsewhere.example', pid: process.pid, began: null, token: 'other' }))
    const locking = lockDirectory(directory, { otherHostMilliseconds: 60_000 })
    await expect(locking).rejects.toThrow(`in use by process ${process.pid}`)
    utimesSync(file, new Date(0), new Date(0))
    ;(await lockDirectory(directory, { otherHostMilliseconds: 60_000 })).release()
    writeFileSync(file, JSON.stringify({ host: 'elsewhere.example', pid: process.pid, began: null, token: 'other' }))
    ;(await lockDirectory(directory)).release()
  })

  it.each(['', '{', 'null'])('is taken over when its file says %j', async (text) => {
    writeFileSync(file, text)
    ;(await lockDirectory(directory)).release()
    expect(existsSync(file)).toBe(false)
  })

  it('does not remove the lock of whoever took over', async () => {
    const lock = await lockDirectory(directory)
    writeFileSync(file, JSON.stringify({ pid: 1, began: null, token: 'other' }))
    lock.release()
    expect(existsSync(file)).toBe(true)
  })
})
