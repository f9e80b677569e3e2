import { parseArgs } from 'node:util'
import { type Command, type ExitCode, UsageError, type Values } from './command.ts'
import type { Terminal } from './terminal/terminal.ts'

interface Entry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Each is loaded when it is called: a command starts without what only others need. */
const commands: Readonly<Record<string, Entry>> = {
  serve: {
    summary: 'serve the API, and a web application beside it',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  migrate: {
    summary: 'apply the pending migrations to a Postgres or Supabase',
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  'keyring generate': {
    summary: 'make new root keys',
    load: async () => (await import('./commands/keyring-generate.ts')).keyringGenerate,
  },
  'keyring split': {
    summary: 'seal root keys in a file that several people open together',
    load: async () => (await import('./commands/keyring-split.ts')).keyringSplit,
  },
  'keyring status': {
    summary: 'show the versions of the master key and what each has wrapped',
    load: async () => (await import('./commands/keyring-status.ts')).keyringStatus,
  },
  'keyring adopt': {
    summary: 'take over private keys that another EKM-05 system has wrapped',
    load: async () => (await import('./commands/keyring-adopt.ts')).keyringAdopt,
  },
  'index-key generate': {
    summary: 'make a new index key, beside which the present one is the previous one',
    load: async () => (await import('./commands/index-key-generate.ts')).indexKeyGenerate,
  },
  'index-key status': {
    summary: 'show the versions of the index key and who is recognised by each',
    load: async () => (await import('./commands/index-key-status.ts')).indexKeyStatus,
  },
  'index-key rotate': {
    summary: 'move people from the previous index key to the present one',
    load: async () => (await import('./commands/index-key-rotate.ts')).indexKeyRotate,
  },
  'index-key retire': {
    summary: 'give the previous index key up',
    load: async () => (await import('./commands/index-key-retire.ts')).indexKeyRetire,
  },
  'organizations apply': {
    summary: 'make organisations as a file describes them, with their clients of Vipps',
    load: async () => (await import('./commands/organizations-apply.ts')).organizationsApply,
  },
  'organizations list': {
    summary: 'show how people log in to each organisation, and what should be seen to',
    load: async () => (await import('./commands/organizations-list.ts')).organizationsList,
  },
  'organizations appoint': {
    summary: 'give a person a role in an organisation',
    load: async () => (await import('./commands/organizations-appoint.ts')).organizationsAppoint,
  },
  'identity-key rotate': {
    summary: 'make a new key for personnummer on their way to the server',
    load: async () => (await import('./commands/identity-key-rotate.ts')).identityKeyRotate,
  },
  'identity-key status': {
    summary: 'show the keys for personnummer on their way to the server',
    load: async () => (await import('./commands/identity-key-status.ts')).identityKeyStatus,
  },
  'erasures list': {
    summary: 'show who was erased, by nobody’s name',
    load: async () => (await import('./commands/erasures-list.ts')).erasuresList,
  },
  'erasures export': {
    summary: 'write who was erased to a file, before a backup is restored',
    load: async () => (await import('./commands/erasures-export.ts')).erasuresExport,
  },
  'erasures replay': {
    summary: 'erase again whom a restored backup has brought back',
    load: async () => (await import('./commands/erasures-replay.ts')).erasuresReplay,
  },
  sweep: {
    summary: 'delete what has expired, where no server is asked for long',
    load: async () => (await import('./commands/sweep.ts')).sweepCommand,
  },
  unseal: {
    summary: 'give a sealed server one share of its key',
    load: async () => (await import('./commands/unseal.ts')).unseal,
  },
  doctor: {
    summary: 'find server secrets in a built web application, what is wrong with projects, or with a provider',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
}

/**
 * Runs one command of `nokkel` to its end.
 *
 * @param words - The command line after `nokkel`.
 * @returns 0 when all is well, 1 when something was found or failed, 2 when the command line is not one it takes.
 */
export async function runNokkel(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first = '', second = ''] = words
  if (['', '--help', '-h', 'help'].includes(first)) {
    terminal.print(overview())
    return first === '' ? 2 : 0
  }
  const name = `${first} ${second}` in commands ? `${first} ${second}` : first
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!entry) {
    terminal.report(`There is no command ${JSON.stringify(first)}; nokkel --help lists them.`)
    return 2
  }
  try {
    return await runCommand(name, await entry.load(), words.slice(name.split(' ').length), terminal)
  } catch (error) {
    terminal.report(sentenceOf(error))
    return isUsage(error) ? 2 : 1
  }
}

async function runCommand(
  name: string,
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const options = { ...command.options, help: { type: 'boolean' as const, short: 'h' } }
  const { arguments: names = [] } = command
  const { values, positionals } = parseArgs({
    args: [...words],
    options,
    strict: true,
    allowPositionals: names.length > 0,
  })
  if (values.help) {
    terminal.print(`nokkel ${name}: ${commands[name]?.summary}\n\n${command.help}`)
    return 0
  }
  const [missing, surplus] = [names[positionals.length], positionals[names.length]]
  if (missing !== undefined) throw new UsageError(`${missing.toUpperCase().replaceAll('-', '_')} is missing.`)
  if (surplus !== undefined) throw new UsageError(`${JSON.stringify(surplus)} is one too many.`)
  const given = Object.fromEntries(names.map((name, index) => [name, positionals[index]]))
  const code = await command.run({ ...values, ...given } as Values, terminal)
  await terminal.printed()
  return code
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}`)
  return ['nokkel <command> [options]', '', ...lines, '', 'nokkel <command> --help says more.'].join('\n')
}

const isUsage = (error: unknown): boolean =>
  error instanceof UsageError || String((error as NodeJS.ErrnoException)?.code).startsWith('ERR_PARSE_ARGS')

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isUsage(error)) return `${error.message} --help says more.`
  // Of several addresses that all refused, Node makes an error without a message.
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
}
