import type { ParseArgsOptionsConfig } from 'node:util'
import type { Terminal } from './terminal/terminal.ts'

/** 0: all is well. 1: something was found, or it failed. 2: it was called wrongly. */
export type ExitCode = 0 | 1 | 2

/** What was given on the command line, by the name of the option or argument. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

export interface Command {
  /** What `--help` prints, after the line of how it is called. */
  readonly help: string
  readonly options: ParseArgsOptionsConfig
  /** What stands there without an option, in order, by the name it has among the values. Default: nothing. */
  readonly arguments?: readonly string[]
  run(values: Values, terminal: Terminal): Promise<ExitCode>
}

/** The command cannot go on; the message says in a sentence what to do. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
}

/** The command line is not one this command takes. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError'
}

/** The text of an option that must be given. @throws {UsageError} It was not. */
export function required(values: Values, option: string): string {
  const value = text(values, option)
  if (value === undefined || value === '') throw new UsageError(`--${option} is missing.`)
  return value
}

export function text(values: Values, option: string): string | undefined {
  const value = values[option]
  return typeof value === 'string' ? value : undefined
}

/** A whole number. @throws {UsageError} It is none, or out of range. */
export function integer(
  values: Values,
  option: string,
  range: { readonly from: number; readonly to: number },
): number | undefined {
  const value = text(values, option)
  if (value === undefined) return undefined
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= range.from && number <= range.to)) {
    throw new UsageError(`--${option} takes a number from ${range.from} to ${range.to}.`)
  }
  return number
}
