import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'

/** Answers with a file, or not at all. */
export type StaticFiles = (request: Request) => Response | undefined

interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
  readonly etag: string
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

const immutable = 'public, max-age=31536000, immutable'

/**
 * Serves the files that are in a directory now, from memory, by their exact paths; no path leads out of it. What is in
 * `assets/` has its content in its name and is kept for ever. Pages of a single-page application, which are no files,
 * get `index.html`.
 */
export async function readStaticFiles(directory: string): Promise<StaticFiles> {
  const files = new Map<string, StaticFile>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(directory, file).split(sep).join('/')}`
    files.set(path, await readStaticFile(file, path))
  }
  const index = files.get('/index.html')
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    const { pathname } = new URL(request.url)
    if (isOfTheApi(pathname)) return undefined
    const file = files.get(pathname) ?? (isNavigation(request) ? index : undefined)
    return file && respond(request, file)
  }
}

async function readStaticFile(file: string, path: string): Promise<StaticFile> {
  const bytes = new Uint8Array(await readFile(file))
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return {
    bytes,
    etag,
    headers: {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'cache-control': path.startsWith('/assets/') ? immutable : 'no-cache',
      etag,
    },
  }
}

function respond(request: Request, { bytes, headers, etag }: StaticFile): Response {
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'HEAD' ? null : bytes, {
    headers: { ...headers, 'content-length': String(bytes.byteLength) },
  })
}

const apiPaths = ['/nokkel', '/crypto-service', '/generate-user-keys', '/generate-company-keys']

const isOfTheApi = (pathname: string): boolean => apiPaths.includes(pathname) || pathname.startsWith('/nokkel/')

const isNavigation = (request: Request): boolean => request.headers.get('accept')?.includes('text/html') ?? false
