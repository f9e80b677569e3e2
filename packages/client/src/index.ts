export type {
  AssignmentSummary,
  Assurance,
  BiometricEnrollment,
  Consent,
  Contact,
  Delivery,
  Duplicate,
  ErasureCertificate,
  ErasurePreview,
  LinkedLogin,
  LoginSettings,
  LoginWarning,
  Me,
  Member,
  MergeEffect,
  OrganizationSummary,
  PersonnummerStatus,
  ProviderFinding,
  RfxFault,
  RfxRecipient,
  RfxRole,
  RfxStatus,
  Session,
  UserIdentity,
  VippsCost,
  VippsSettings,
} from '@nokkel/contract'
export type {
  Specification,
  SpecificationField,
  SpecificationFieldType,
  SpecificationSection,
} from '@nokkel/crypto'
export type { AdministrationService, MergePreview, VippsSetup } from './administration/administration-service.ts'
export type { OpenedAssignment, OpenOptions } from './assignments/open-assignment.ts'
export type { FileOptions, OpenedFile } from './assignments/opened-file.ts'
export type { AssignmentDraft, SendProgress } from './assignments/send-assignment.ts'
export type { SignerView } from './assignments/signer.ts'
export type { AssignmentItem, TaskEncryptionService } from './assignments/task-encryption-service.ts'
export type { OutgoingFile } from './assignments/upload-file.ts'
export type { AuthService } from './auth/auth-service.ts'
export type {
  AuthenticationService,
  AuthState,
  AuthStatus,
  BankIdAuthenticationService,
  CompletedSignIn,
  ConsentAnswer,
  ConsentRequest,
  SignInOptions,
  VippsAuthenticationService,
} from './auth/authentication-service.ts'
export { returnUrl } from './auth/callback.ts'
export { deriveCodeChallenge, generateCodeVerifier, type PkcePair, VippsPkceGenerator } from './auth/pkce.ts'
export { browserUrlLauncher, type UrlLauncher } from './auth/url-launcher.ts'
export type {
  BiometricAuthService,
  BiometricCapability,
  BiometricEnrollmentRecord,
  BiometricEnrollmentState,
  BiometricEvent,
  BiometricState,
  EnrollOptions,
} from './biometrics/biometric-auth-service.ts'
export {
  type BiometricAuthenticator,
  type CeremonyOptions,
  type CeremonyResult,
  type CredentialOptions,
  webAuthenticator,
} from './biometrics/biometric-authenticator.ts'
export type {
  CompanyDetails,
  CompanyInvitation,
  CompanyRole,
  CompanyService,
  CompanyView,
} from './companies/company-service.ts'
export type { DeviceService, DeviceView } from './devices/device-service.ts'
export {
  type AuthErrorCode,
  type ClientErrorCode,
  NokkelError,
  type NokkelErrorCode,
  type NokkelErrorOptions,
} from './errors.ts'
export { IdentityRepositoryError } from './identity/identity-error.ts'
export type { StorageConsent, UserIdentityRepository } from './identity/identity-repository.ts'
export type { PersonnummerFault } from './identity/personnummer.ts'
export type { KeyGenerator } from './keys/key-generator.ts'
export type { KeyManagementService, KeysState, OtherDevice, OwnDevice } from './keys/key-management-service.ts'
export { workerKeyGenerator } from './keys/worker-key-generator.ts'
export { createMutex, createWebLock, type Lock } from './lock/lock.ts'
export type { LoginService } from './logins/login-service.ts'
export type { MemberService, Page, PageOptions } from './members/member-service.ts'
export { createNokkel, type Nokkel, type NokkelOptions } from './nokkel.ts'
export type { OrganizationService } from './organizations/organization-service.ts'
export type { ExportedData, PersonalData, PrivacyService } from './privacy/privacy-service.ts'
export type { KeyWrapper, MadeWrap, WrapJob, WrapOptions, WrapRecipient, WrapSession } from './rfx/key-wrapper.ts'
export type {
  Author,
  BidContent,
  DistributionError,
  DistributionResult,
  OpenedBid,
  Person,
  Progress,
  RecipientNotice,
  Rfx,
  RfxBidItem,
  RfxComment,
  RfxDetails,
  RfxDocument,
  RfxListItem,
  RfxSnapshot,
  RfxState,
  RfxWork,
  SavedSpecification,
  UploadOptions,
  ValuePlace,
  WaitingReason,
  WorkOptions,
} from './rfx/rfx.ts'
export type { RfxService } from './rfx/rfx-service.ts'
export type { ProviderId } from './session/auth-token-store.ts'
export type { AuthNotice, SessionState } from './session/session-controller.ts'
export type { Observable } from './state/store.ts'
export { type IndexedDbStorageOptions, indexedDbStorage } from './storage/indexed-db-storage.ts'
export type { SecureStorage } from './storage/secure-storage.ts'
export type {
  MovedWraps,
  Regeneration,
  RegenerationOptions,
  RegenerationProgress,
  Revocation,
  UnmovedWrap,
} from './user-keys/key-owner.ts'
export { fingerprintOf, type ManagedKeyView } from './user-keys/managed-key.ts'
export type { UnwrapRequest, UserKeyService, UserKeyState } from './user-keys/user-key-service.ts'
