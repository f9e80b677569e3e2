export { fileErasureLedger } from './erasure-ledger.ts'
export { type Listening, type ListenOptions, listen } from './listen.ts'
export { migratePostgres, pendingPostgresMigrations } from './migrate-postgres.ts'
export { readMigrations } from './migrations.ts'
export {
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
  openEmbeddedDatabase,
} from './pglite.ts'
export { fileRootKeys, formatRootKeyFile, sealedFileRootKeys } from './root-keys/file.ts'
export { readSecretFile } from './root-keys/secret-file.ts'
export {
  closeOnSignal,
  createRequestListener,
  type RequestListenerOptions,
  type ServeOptions,
  serve,
} from './serve.ts'
