import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const files = globSync(['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'], { cwd: root })

/** The rows of the table in SECURITY.md, each with the tests it names: `folder/file` “one”, “another”. */
const rows = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split(/^## Login, point by point$/m)[1]
  ?.split(/^## /m)[0]
  ?.split('\n')
  .flatMap((line) => {
    const [, number, , , shown] = line.split('|').map((cell) => cell.trim())
    return number !== undefined && /^N?\d+$/.test(number) && shown !== undefined ? [{ number, shown }] : []
  })

const named = (rows ?? []).flatMap(({ number, shown }) =>
  [...shown.matchAll(/`([^`]+\.test\.ts)`((?:,? “[^”]+”)+)/g)].flatMap(([, file = '', list = '']) =>
    [...list.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ number, file, name })),
  ),
)

describe('the table of the login in SECURITY.md', () => {
  it('has every point once, in order, each with a test', () => {
    const points = [...Array.from({ length: 24 }, (_, index) => `${index + 1}`), 'N1', 'N2', 'N3']
    expect(rows?.map(({ number }) => number)).toEqual(points)
    expect([...new Set(named.map(({ number }) => number))]).toEqual(points)
  })

  it.each(named)('$number: $file has “$name”', ({ file, name }) => {
    const found = files.filter((path) => `/${path}`.endsWith(`/${file}`))
    expect(found).toHaveLength(1)
    const text = readFileSync(join(root, found[0] ?? ''), 'utf8')
    expect([`'${name}'`, `"${name}"`].some((quoted) => text.includes(quoted))).toBe(true)
  })

  it('names nothing in another form, which would not be looked for', () => {
    for (const { number, shown } of rows ?? []) {
      const seen = named.filter((one) => one.number === number)
      expect({ number, names: shown.match(/“/g)?.length, files: shown.match(/`/g)?.length }).toEqual({
        number,
        names: seen.length,
        files: 2 * new Set(seen.map(({ file }) => file)).size,
      })
    }
  })
})
