import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { isPrivateKeyDer } from './der.ts'

/** One text of a bundle: a file, or what lies within one. */
export interface BundleText {
  /** Path within the bundle; for a source in a map, `map › source`. */
  readonly name: string
  readonly text: string
  /** Modules that a source map says the bundle was made of. */
  readonly modules?: readonly string[]
  /** The bytes are a private key. */
  readonly isKey?: boolean
}

const largestInflated = 64 * 1024 * 1024

/** Every file of a directory with what is packed in it: compressed copies, source maps, data URLs. */
export async function* readBundle(directory: string): AsyncIterable<BundleText> {
  for await (const file of filesIn(directory, [])) {
    const name = relative(directory, file).split(sep).join('/')
    const bytes = inflate(name, await readFile(file))
    yield* textsOf(name, bytes)
  }
}

/** Also behind symbolic links, for a server or a copy follows them; not round in a circle, and not where one leads nowhere. */
async function* filesIn(directory: string, above: readonly string[]): AsyncIterable<string> {
  const real = await realpath(directory)
  if (above.includes(real)) return
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name)
    const found = await stat(path).catch(ifMissing)
    if (found?.isDirectory()) yield* filesIn(path, [...above, real])
    else if (found?.isFile()) yield path
  }
}

function ifMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT' && cause.code !== 'ELOOP') throw cause
}

function inflate(name: string, bytes: Buffer): Buffer {
  try {
    if (name.endsWith('.gz')) return gunzipSync(bytes, { maxOutputLength: largestInflated })
    if (name.endsWith('.br')) return brotliDecompressSync(bytes, { maxOutputLength: largestInflated })
  } catch {
    // Not what its name says: read as it is.
  }
  return bytes
}

function* textsOf(name: string, bytes: Buffer): Iterable<BundleText> {
  const text = bytes.includes(0) ? bytes.toString('latin1') : bytes.toString('utf8')
  const map = parseSourceMap(text)
  if (!map) {
    yield { name, text, isKey: isPrivateKeyDer(bytes) }
    yield* inlineTexts(name, text)
    return
  }
  yield { name, text: '', modules: map.sources }
  yield { name: `${name} › fields`, text: JSON.stringify({ ...map.rest, sources: map.sources }) }
  for (const [index, content] of map.sourcesContent.entries()) {
    if (content) yield { name: `${name} › ${map.sources[index] ?? index}`, text: content }
  }
}

const dataUrl = /data:[a-z0-9.+/-]+(?:;[a-z0-9-]+=[A-Za-z0-9-]+)*;base64,([A-Za-z0-9+/]{40,}={0,2})/g

function* inlineTexts(name: string, text: string): Iterable<BundleText> {
  for (const { 1: data = '', index } of text.matchAll(dataUrl)) {
    yield* textsOf(`${name} › data URL at ${index}`, Buffer.from(data, 'base64'))
  }
}

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent: readonly (string | null)[]
  readonly rest: Readonly<Record<string, unknown>>
}

/** ECMA-426: an object with `version` 3 and `mappings`, or with `sections` of such. */
function parseSourceMap(text: string): SourceMap | null {
  if (!/^\)?\]?\}?'?\s*\{/.test(text) || !text.includes('"version"')) return null
  try {
    const value = JSON.parse(text.replace(/^\)\]\}'[^\n]*\n?/, '')) as Record<string, unknown>
    const sections = Array.isArray(value.sections) ? value.sections.map((section) => section?.map ?? {}) : [value]
    if (value.version !== 3) return null
    const collect = (member: string): unknown[] =>
      sections.flatMap((section: Record<string, unknown>) => (section[member] as unknown[] | undefined) ?? [])
    const { mappings: _mappings, sources: _sources, sourcesContent: _content, sections: _sections, ...rest } = value
    return {
      sources: collect('sources').map(String),
      sourcesContent: collect('sourcesContent').map((content) => (typeof content === 'string' ? content : null)),
      rest,
    }
  } catch {
    return null
  }
}
