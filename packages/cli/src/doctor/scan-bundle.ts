import { type BundleText, readBundle } from './bundle-texts.ts'
import { findEnvironmentValues } from './environment-values.ts'
import { type Detector, type FindingKind, findingKinds, type Match } from './finding.ts'
import { findDer, findHexKey, findPem, findPrivateJwk } from './key-material.ts'
import {
  findDatabaseUrl,
  findSecretName,
  findServiceRole,
  findSupabaseSecret,
  isServerModule,
} from './server-secrets.ts'

export type { FindingKind } from './finding.ts'

/** Something that a built web application must not contain. */
export interface Finding {
  /** Path within the bundle; for a source in a map, `map › source`. */
  readonly file: string
  /** Both from 1. */
  readonly line: number
  readonly column: number
  readonly kind: FindingKind
  /** What may be shown of it: never the secret. */
  readonly excerpt: string
}

export interface ScanReport {
  /** How many texts were read: files, and what is packed in them. */
  readonly texts: number
  readonly findings: readonly Finding[]
}

/**
 * Looks for server secrets and private keys in every file of a built web application, with its source maps, compressed
 * copies and data URLs.
 *
 * @param directory - What is published.
 * @param options.environment - Where secrets have their values here: these are looked for themselves. Default none.
 */
export async function scanBundle(
  directory: string,
  options: { readonly environment?: Readonly<Record<string, string | undefined>> } = {},
): Promise<ScanReport> {
  const detectors: readonly Detector[] = [
    findEnvironmentValues(options.environment ?? {}),
    ...[findPem, findDer, findPrivateJwk, findServiceRole, findSupabaseSecret, findDatabaseUrl, findHexKey],
    findSecretName,
  ]
  const findings: Finding[] = []
  let texts = 0
  for await (const text of readBundle(directory)) {
    texts += 1
    const matches = detectors.flatMap((detector) => [...detector(text.text)])
    for (const match of [...withoutRepeats(matches), ...wholeFile(text)]) findings.push(place(text, match))
  }
  return { texts, findings }
}

/** Of two at the same place the detector that is named first says it better. */
function withoutRepeats(matches: readonly Match[]): Match[] {
  const kept: Match[] = []
  for (const match of matches) {
    if (!kept.some(({ start, end }) => match.start < end && match.end > start)) kept.push(match)
  }
  return kept.sort((one, other) => one.start - other.start)
}

function* wholeFile({ modules = [], isKey = false }: BundleText): Iterable<Match> {
  if (isKey) yield { kind: 'private_key_der', start: 0, end: 0, excerpt: 'the file itself' }
  for (const path of modules) {
    if (isServerModule(path)) yield { kind: 'server_source', start: 0, end: 0, excerpt: path }
  }
}

function place({ name, text }: BundleText, { kind, start, excerpt }: Match): Finding {
  const before = text.slice(0, start)
  return { file: name, line: before.split('\n').length, column: start - before.lastIndexOf('\n'), kind, excerpt }
}

/** What a kind means, for people. */
export const describeKind = (kind: FindingKind): string => findingKinds[kind]
