/** One `ts` block of a document or a docstring. */
export interface Example {
  readonly file: string
  /** Line in `file` of the first line of code, from 1. */
  readonly line: number
  readonly language: 'ts' | 'tsx'
  readonly code: string
}

const fence = /^```(.*)$/

/**
 * Every `ts` and `tsx` block of a Markdown text.
 *
 * @throws {SyntaxError} A block of code that would escape the check: `js`, `typescript`, or `ts` with a word behind it.
 */
export function extractFromMarkdown(file: string, text: string): Example[] {
  return extract(
    file,
    text.split('\n').map((content, index) => ({ content, line: index + 1 })),
  )
}

/** The same of every docstring in a TypeScript source. An `@example` without such a block is refused. */
export function extractFromSource(file: string, text: string): Example[] {
  const examples: Example[] = []
  for (const docstring of text.matchAll(/^[ \t]*\/\*\*.*?\*\//gms)) {
    const first = text.slice(0, docstring.index).split('\n').length
    const lines = docstring[0].split('\n').map((content, index) => ({
      content: content.replace(/^\s*(\/\*\*|\*\/|\*) ?/, ''),
      line: first + index,
    }))
    const found = extract(file, lines)
    const promised = lines.filter(({ content }) => content.startsWith('@example')).length
    if (promised > found.length) throw new SyntaxError(`${file}:${first}: an @example without a ts block`)
    examples.push(...found)
  }
  return examples
}

interface Line {
  readonly content: string
  readonly line: number
}

function extract(file: string, lines: readonly Line[]): Example[] {
  const examples: Example[] = []
  let open: { readonly info: string; readonly body: Line[] } | undefined
  for (const current of lines) {
    const info = fence.exec(current.content)?.[1]?.trim()
    if (info === undefined) open?.body.push(current)
    else if (open === undefined) {
      if (/^(js|jsx|javascript|typescript|tsx? )/.test(info)) {
        throw new SyntaxError(`${file}:${current.line}: tag code with ts or tsx alone, so that it is checked`)
      }
      open = { info, body: [] }
    } else {
      const [first] = open.body
      const language = open.info
      if (first && (language === 'ts' || language === 'tsx')) {
        examples.push({ file, line: first.line, language, code: open.body.map(({ content }) => content).join('\n') })
      }
      open = undefined
    }
  }
  return examples
}
