/** One event. Nothing in it may come from a query, a body, a header or a token. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly requestId?: string
  readonly method?: string
  /** The pattern of the route, never the path that was asked for. */
  readonly route?: string
  readonly status?: number
  readonly milliseconds?: number
  readonly code?: string
  /** Whose client at which provider is meant. */
  readonly provider?: string
  /** Slug. */
  readonly organization?: string
  readonly count?: number
  readonly error?: Failure
}

/** A failure without its message, which may quote what it failed on. */
export interface Failure {
  readonly name: string
  readonly code?: string
  readonly frames?: readonly string[]
}

export type Logger = (entry: LogEntry) => void

const fields = [
  'level',
  'event',
  'requestId',
  'method',
  'route',
  'status',
  'milliseconds',
  'code',
  'provider',
  'organization',
  'count',
  'error',
] as const

/**
 * Writes each event as one line of JSON, and of each event only the fields of {@link LogEntry}.
 *
 * @param write - Takes one line without its end. Default: standard output.
 */
export function createJsonLogger(
  write: (line: string) => void = (line) => console.log(line),
  now: () => Date = () => new Date(),
): Logger {
  return (entry) => write(JSON.stringify({ time: now().toISOString(), ...pick(entry) }))
}

function pick(entry: LogEntry): LogEntry {
  return Object.fromEntries(fields.map((field) => [field, entry[field]])) as unknown as LogEntry
}

/** What may be logged of a failure: its kind, a short code, and where in our code it happened. */
export function describeFailure(cause: unknown): Failure {
  if (!(cause instanceof Error)) return { name: typeof cause }
  const { code } = cause as { code?: unknown }
  const inner = cause.cause instanceof Error ? describeFailure(cause.cause) : undefined
  return {
    name: inner ? `${cause.name} < ${inner.name}` : cause.name,
    ...(typeof code === 'string' && /^[\w-]{1,64}$/.test(code) ? { code } : inner?.code ? { code: inner.code } : {}),
    frames: (cause.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 8)
      .map((line) => line.trim()),
  }
}
