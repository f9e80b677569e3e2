import { describe, expect, it } from 'vitest'
import { createAuthorise, type Decision, type Item } from './authorise.ts'

const item = (requestId: string): Item => ({
  requestId,
  claims: { sub: requestId, sid: requestId, role: 'authenticated', organization: 'o' },
  action: 'decrypt',
})
const decision = (keyId: string, problem: Decision['problem'] = null): Decision => ({
  problem,
  keyId,
  ownerId: null,
  encryptedPrivateKey: null,
  encryptedSymmetricKey: null,
})

/** Statements that answer when they are told to. */
function createStatements() {
  const statements: { ids: string[]; answer(problem?: Decision['problem']): void; fail(cause: unknown): void }[] = []
  const decide = (items: readonly Item[]) =>
    new Promise<Decision[]>((resolve, reject) => {
      const ids = items.map(({ requestId }) => requestId)
      statements.push({
        ids,
        answer: (problem = null) => resolve(ids.map((id) => decision(id, problem))),
        fail: reject,
      })
    })
  return { statements, decide }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('authorise', () => {
  it('lets what arrives while others are decided go together', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide, { maximumStatements: 1 })
    const answers = ['a', 'b', 'c'].map((id) => authorise([item(id), item(`${id}2`)]))
    expect(statements.map(({ ids }) => ids)).toEqual([['a', 'a2']])
    statements[0]?.answer()
    await settled()
    expect(statements[1]?.ids).toEqual(['b', 'b2', 'c', 'c2'])
    statements[1]?.answer()
    const keyIds = (await Promise.all(answers)).map((decisions) => decisions.map(({ keyId }) => keyId))
    expect(keyIds).toEqual([
      ['a', 'a2'],
      ['b', 'b2'],
      ['c', 'c2'],
    ])
  })

  it('runs as many statements as it may, of as many items as they may have', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide, { maximumStatements: 2, minimumItems: 1, maximumItems: 3 })
    const answers = [1, 1, 2, 2, 5].map((count, index) => authorise(Array(count).fill(item(`${index}`))))
    expect(statements).toHaveLength(2)
    statements[0]?.answer()
    await settled()
    expect(statements[2]?.ids).toEqual(['2', '2'])
    statements[1]?.answer()
    await settled()
    expect(statements[3]?.ids).toEqual(['3', '3'])
    statements[2]?.answer()
    await settled()
    expect(statements[4]?.ids).toHaveLength(5)
    statements[3]?.answer()
    statements[4]?.answer()
    expect(await Promise.all(answers)).toHaveLength(5)
  })

  it('begins another statement beside the first only for enough', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide, { maximumStatements: 2, minimumItems: 3 })
    const answers = ['a', 'b', 'c', 'd'].map((id) => authorise([item(id)]))
    expect(statements.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c', 'd']])
    for (const { answer } of statements) answer()
    expect(await Promise.all(answers)).toHaveLength(4)
  })

  it('fails the requests of a statement that fails, and no others', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide, { maximumStatements: 1 })
    const [first, second, third] = ['a', 'b', 'c'].map((id) => authorise([item(id)]))
    statements[0]?.answer()
    await first
    const lost = new Error('lost')
    statements[1]?.fail(lost)
    await expect(second).rejects.toBe(lost)
    await expect(third).rejects.toBe(lost)
    const after = authorise([item('d')])
    await settled()
    statements[2]?.answer()
    expect(await after).toEqual([decision('d')])
  })

  it('refuses what would wait behind too much', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide, { maximumStatements: 1, maximumWaiting: 2 })
    const answers = [authorise([item('a')]), authorise([item('b'), item('c')])]
    await expect(authorise([item('d')])).rejects.toMatchObject({
      code: 'key_queue_full',
      data: { retryAfterSeconds: 1 },
    })
    statements[0]?.answer()
    await settled()
    statements[1]?.answer()
    await Promise.all(answers)
    const after = authorise([item('e')])
    statements[2]?.answer()
    expect(await after).toHaveLength(1)
  })

  it('tells an ended session at once, and of other problems each item', async () => {
    const { statements, decide } = createStatements()
    const authorise = createAuthorise(decide)
    const [ended, refused] = [authorise([item('a')]), authorise([item('b')])]
    statements[0]?.answer('device_revoked')
    await expect(ended).rejects.toMatchObject({ code: 'device_revoked' })
    statements[1]?.answer('open_refused')
    expect(await refused).toEqual([decision('b', 'open_refused')])
  })
})
