export { type AdoptionOutcome, type AdoptKeysOptions, adoptKeys } from './adoption/adopt.ts'
export type { AdoptionProblem } from './adoption/legacy-blob.ts'
export type { ClientAuthentication, Provider, ProviderConnection } from './auth/providers/provider.ts'
export { createProviderRegistry, type ProviderRegistry } from './auth/providers/registry.ts'
export type { SupabaseProject } from './auth/supabase-token.ts'
export { ConfigurationError } from './configuration/configuration-error.ts'
export {
  type Configuration,
  readAppOrigins,
  readAppUrl,
  readConfiguration,
  readDatabaseUrl,
  readProviders,
  readPublicUrl,
  readVippsIssuers,
} from './configuration/read-configuration.ts'
export { connect } from './db/connect.ts'
export type { Database } from './db/database.ts'
export { type Migration, type MigrationConnection, migrate, parseMigration, pendingMigrations } from './db/migrate.ts'
export { type Swept, sweep } from './db/sweep.ts'
export type { RequestEnvironment } from './http/client-address.ts'
export { createJsonLogger, type Failure, type LogEntry, type Logger } from './http/logger.ts'
export type { RateClass, RateLimits } from './http/rate-limit.ts'
export {
  type IdentityKeyVersion,
  listIdentityKeys,
  type RotateIdentityKeyOptions,
  rotateIdentityKey,
} from './identity/operate.ts'
export { environmentRootKeys } from './keyring/environment.ts'
export { importKek } from './keyring/kek.ts'
export { developmentMark } from './keyring/made-up-keys.ts'
export {
  eraseRootKeys,
  generateRootKeys,
  givenRootKeys,
  type RootKeyProvider,
  type RootKeys,
  type RootKeyTexts,
  type Seal,
  withNewIndexKey,
} from './keyring/root-keys.ts'
export {
  type IndexKeyRetirement,
  type IndexKeyRotation,
  type IndexKeyVersion,
  type RotateIndexKeyOptions,
  readIndexKeyVersions,
  retireIndexKey,
  rotateIndexKey,
} from './keyring/rotate-index-key.ts'
export { sharedRootKeys, splitKeyring } from './keyring/shared-keyring.ts'
export { type MasterKeyVersion, readMasterKeyVersions } from './keyring/status.ts'
export {
  type Encrypted,
  type KeyringKek,
  openWrappedKeyring,
  parseWrappedKeyring,
  type WrappedKeyring,
  wrapKeyring,
} from './keyring/wrapped-keyring.ts'
export { type CheckProvidersOptions, checkProviders, type ProviderReport } from './login-settings/check-providers.ts'
export { knownVippsIssuers, type VippsIssuers } from './login-settings/login-setup.ts'
export { type AppliedOrganization, type ApplyOrganizationsOptions, applyOrganizations } from './organizations/apply.ts'
export { type OrganizationDescription, parseOrganizations, type VippsDescription } from './organizations/description.ts'
export { appointMember, listOrganizationStates, type OrganizationState } from './organizations/operate.ts'
export { checkAllRfx, type RfxReport } from './rfx/check.ts'
export type { ErasureEntry, ErasureLedger } from './rights/ledger.ts'
export { formatErasure, parseErasures } from './rights/ledger.ts'
export { listErasures, replayErasures } from './rights/operate.ts'
export { createNokkelServer, type NokkelServer, type NokkelServerOptions } from './server.ts'
