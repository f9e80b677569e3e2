import { styleText } from 'node:util'

type Voice = 'Kari' | 'Ingrid' | 'network' | 'database' | 'check'

interface Line {
  readonly voice: Voice
  readonly text: string
  /** For a check: whether it held. */
  readonly holds?: boolean
}

export interface Report {
  readonly lines: readonly Line[]
  heading(text: string): void
  say(voice: Voice, text: string): void
  check(text: string, holds: boolean): void
}

const colors = { Kari: 'cyan', Ingrid: 'magenta', network: 'yellow', database: 'blue', check: 'green' } as const

/** Collects what happens; and, unless it is `silent`, prints it as it happens. */
export function createReport({ silent }: { readonly silent: boolean }): Report {
  const lines: Line[] = []
  let last: Voice | undefined

  function add(line: Line): void {
    lines.push(line)
    if (silent) return
    const label = (line.voice === last && line.voice !== 'check' ? '' : line.voice).padEnd(10)
    last = line.voice
    const mark = line.holds === undefined ? '' : line.holds ? '✓ ' : '✗ '
    const color = line.holds === false ? 'red' : colors[line.voice]
    console.log(`  ${styleText(color, label)}${mark}${line.text.replaceAll('\n', `\n${' '.repeat(12)}`)}`)
  }

  return {
    lines,
    heading(text) {
      last = undefined
      if (!silent) console.log(`\n${styleText('bold', text)}`)
    },
    say: (voice, text) => add({ voice, text }),
    check: (text, holds) => add({ voice: 'check', text, holds }),
  }
}

/** The beginning of bytes as text when they are text, else as hexadecimal digits. */
export function excerpt(bytes: Uint8Array, length: number): string {
  const text = new TextDecoder().decode(bytes.subarray(0, length * 2))
  const readable = /^[\x20-\x7e\n]*$/.test(text)
  const shown = (readable ? text.replaceAll('\n', ' ') : Buffer.from(bytes).toString('hex')).slice(0, length)
  return bytes.byteLength > shown.length ? `${shown}…` : shown
}
