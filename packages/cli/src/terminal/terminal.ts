/** What a command has of the outside: its settings, two outputs, and what is typed or piped in. */
export interface Terminal {
  readonly environment: Record<string, string | undefined>
  /** One line of the answer. */
  print(line: string): void
  /** One line about how it goes: progress and errors. */
  report(line: string): void
  /** Gives the first line of standard input; what is typed is not shown. */
  readSecret(prompt: string): Promise<string>
}

export function processTerminal(): Terminal {
  return {
    environment: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    report: (line) => process.stderr.write(`${line}\n`),
    readSecret: async (prompt) => (await import('./read-secret.ts')).readSecret(prompt, process.stdin, process.stderr),
  }
}
