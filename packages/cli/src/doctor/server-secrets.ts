import { type Detector, mask } from './finding.ts'

const secretNames = new RegExp(
  `(?<![A-Za-z0-9])(?:[A-Z0-9]+_)*(?:${[
    'MASTER_(?:ENCRYPTION_)?KEYS?(?:_FILE)?',
    '(?<!_)INDEX_KEY(?:_OLD)?',
    'SERVICE_ROLE(?:_KEY)?',
    'SUPABASE_SECRET_KEYS?',
    'SUPABASE_DB_URL',
    'DATABASE_(?:ADMIN_)?URL',
    'JWT_SECRET',
    '(?:BANKID|VIPPS)_(?:[A-Z0-9]+_)*SECRET',
  ].join('|')})(?![A-Za-z0-9_])`,
  'g',
)

export const findSecretName: Detector = function* (text) {
  for (const { 0: name, index } of text.matchAll(secretNames)) {
    yield { kind: 'secret_name', start: index, end: index + name.length, excerpt: name }
  }
}

const jwt = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+\.(eyJ[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*/g
const mightyRoles = new Set<unknown>(['service_role', 'supabase_admin', 'postgres'])

/** Whoever holds one passes every policy. A token for `anon` is meant to be published. */
export const findServiceRole: Detector = function* (text) {
  for (const { 0: token, 1: payload = '', index } of text.matchAll(jwt)) {
    if (mightyRoles.has(roleOf(payload))) {
      yield { kind: 'service_role_token', start: index, end: index + token.length, excerpt: mask(token) }
    }
  }
}

function roleOf(payload: string): unknown {
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { role?: unknown } | null)?.role
  } catch {
    return undefined
  }
}

const supabaseSecret = /(?<![A-Za-z0-9_])sb_secret_[A-Za-z0-9_-]{8,}/g

export const findSupabaseSecret: Detector = function* (text) {
  for (const { 0: key, index } of text.matchAll(supabaseSecret)) {
    yield { kind: 'supabase_secret_key', start: index, end: index + key.length, excerpt: mask(key) }
  }
}

const databaseUrl =
  /\b((?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql):\/\/[^\s:/@"'`\\<>]*):([^\s/@"'`\\]+)@/g
// What stands in examples and in code that puts an URL together; all of it, for a password may begin like one.
const placeholder =
  /^(?:\$\{.*\}|\$\(.*\)|\$[A-Z_][A-Z0-9_]*|%[a-z]|<[^>]*>|\[[^\]]*\]|\{[^}]*\}{1,2}|\*+|\.{3}|…|[xX]+|(?:[Yy]our[-_]?|YOUR[-_]?)?(?:[Pp]ass(?:word|wd)?|PASS(?:WORD|WD)?|pwd|PWD))$/

export const findDatabaseUrl: Detector = function* (text) {
  for (const { 0: match, 1: before = '', 2: password = '', index } of text.matchAll(databaseUrl)) {
    if (placeholder.test(password)) continue
    yield { kind: 'database_url', start: index, end: index + match.length, excerpt: `${before}:…@` }
  }
}

const serverModule =
  /(?:^|\/)(?:packages\/server|@nokkel\/server|supabase\/(?:functions|migrations)|node_modules\/(?:pg|pg-pool|postgres|kysely|@electric-sql\/pglite))\//

/** Whether a module that a source map names belongs to the server alone. */
export const isServerModule = (path: string): boolean => serverModule.test(path.replaceAll('\\', '/'))
