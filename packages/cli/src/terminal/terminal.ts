import { CommandError } from '../command.ts'

/** What a command has of the outside: its settings, two outputs, and what is typed or piped in. */
export interface Terminal {
  readonly environment: Record<string, string | undefined>
  /** One line of the answer. */
  print(line: string): void
  /** One line about how it goes: progress and errors. */
  report(line: string): void
  /** Resolves when what was printed has been taken. @throws {CommandError} Nobody reads it. */
  printed(): Promise<void>
  /** Gives the first line of standard input; what is typed is not shown. */
  readSecret(prompt: string): Promise<string>
}

export function processTerminal(): Terminal {
  // What cannot be printed is told by `printed`, and what cannot be reported by nobody.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)
  return {
    environment: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    printed: () =>
      new Promise((resolve, reject) => {
        process.stdout.write('', (cause) => {
          if (cause)
            reject(new CommandError('What was printed has reached nobody: standard output is closed.', { cause }))
          else resolve()
        })
      }),
    report: (line) => process.stderr.write(`${line}\n`),
    readSecret: async (prompt) => (await import('./read-secret.ts')).readSecret(prompt, process.stdin, process.stderr),
  }
}
