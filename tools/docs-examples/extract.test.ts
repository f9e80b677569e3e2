import { describe, expect, it } from 'vitest'
import { extractFromMarkdown, extractFromSource } from './extract.ts'

describe('extractFromMarkdown', () => {
  it('finds each ts block with its line', () => {
    expect(
      extractFromMarkdown('a.md', 'Text\n```ts\none()\ntwo()\n```\n```sh\nls\n```\n```tsx\nthree()\n```\n'),
    ).toEqual([
      { file: 'a.md', line: 3, language: 'ts', code: 'one()\ntwo()' },
      { file: 'a.md', line: 10, language: 'tsx', code: 'three()' },
    ])
  })

  it.each(['ts ignore', 'js', 'typescript'])('refuses a block tagged %s', (info) => {
    expect(() => extractFromMarkdown('a.md', `\`\`\`${info}\nx\n\`\`\``)).toThrow('a.md:1')
  })
})

describe('extractFromSource', () => {
  it('finds the block of an @example with its line', () => {
    const source =
      'const a = 1\n/**\n * Text.\n *\n * @example\n * ```ts\n * if (a) {\n *   b()\n * }\n * ```\n */\nexport const b = 2'
    expect(extractFromSource('a.ts', source)).toEqual([
      { file: 'a.ts', line: 7, language: 'ts', code: 'if (a) {\n  b()\n}' },
    ])
  })

  it('refuses an @example without code', () => {
    expect(() => extractFromSource('a.ts', '/**\n * @example f()\n */\nexport const f = 1')).toThrow('a.ts:1')
  })
})
