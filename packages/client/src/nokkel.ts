import type { Me } from '@nokkel/contract'
import { type AdministrationService, createAdministrationService } from './administration/administration-service.ts'
import { createTaskEncryptionService, type TaskEncryptionService } from './assignments/task-encryption-service.ts'
import { type AuthService, createAuthService } from './auth/auth-service.ts'
import type { BankIdAuthenticationService, VippsAuthenticationService } from './auth/authentication-service.ts'
import { createLoginSteps } from './auth/login-steps.ts'
import { createPendingLogins } from './auth/pending-login.ts'
import { createProviderLogins } from './auth/provider-logins.ts'
import { browserUrlLauncher, type UrlLauncher } from './auth/url-launcher.ts'
import { type BiometricAuthService, createBiometricAuthService } from './biometrics/biometric-auth-service.ts'
import { type BiometricAuthenticator, webAuthenticator } from './biometrics/biometric-authenticator.ts'
import { type CompanyService, createCompanyService } from './companies/company-service.ts'
import { describeDevice } from './devices/describe-device.ts'
import { createDeviceService, type DeviceService } from './devices/device-service.ts'
import { type Call, createCall } from './http/api.ts'
import { createRequest } from './http/request.ts'
import { createServerClock } from './http/server-clock.ts'
import { identityPrefix, purgeName } from './identity/identity-names.ts'
import { createIdentityRepository, type UserIdentityRepository } from './identity/identity-repository.ts'
import type { KeyGenerator } from './keys/key-generator.ts'
import { createKeyManagementService, type KeyManagementService } from './keys/key-management-service.ts'
import { workerKeyGenerator } from './keys/worker-key-generator.ts'
import { createWebLock, type Lock } from './lock/lock.ts'
import { createLoginService, type LoginService } from './logins/login-service.ts'
import { createMemberService, type MemberService } from './members/member-service.ts'
import { createOrganizationService, type OrganizationService } from './organizations/organization-service.ts'
import { createPrivacyService, type PrivacyService } from './privacy/privacy-service.ts'
import type { KeyWrapper } from './rfx/key-wrapper.ts'
import { createRfxService, type RfxService } from './rfx/rfx-service.ts'
import { createAuthTokenStore, type ProviderId, sessionName } from './session/auth-token-store.ts'
import { createSessionController } from './session/session-controller.ts'
import { createSessionManager, erasedPrefix } from './session/session-manager.ts'
import { createVault } from './session/vault.ts'
import { createVaultStorage } from './session/vault-storage.ts'
import { indexedDbStorage } from './storage/indexed-db-storage.ts'
import type { SecureStorage } from './storage/secure-storage.ts'
import { createUserKeyService, type UserKeyService } from './user-keys/user-key-service.ts'

export interface NokkelOptions {
  /** Slug of the organisation to log in to. */
  readonly organization: string
  /** What the paths of the API are appended to. Default: the origin of the page. */
  readonly url?: string
  /** Default: IndexedDB, encrypted under a key that cannot be exported. */
  readonly storage?: SecureStorage
  /** Default: a Worker. */
  readonly keyGenerator?: KeyGenerator
  /** Wraps the keys of projects to many. Default: Workers. */
  readonly keyWrapper?: KeyWrapper
  /** Default: leaves the page. */
  readonly urlLauncher?: UrlLauncher
  /** Asks for face, finger or PIN. Default: WebAuthn. */
  readonly authenticator?: BiometricAuthenticator
  /**
   * Where the app of a provider opens this app, as it is set up for the organisation: an `https` link or a scheme of its own,
   * each ending with `/callback/<provider>/<organisation>`. A login may come back there, or to a page. What opens the app
   * goes through `returnUrl` to `completeSignIn`.
   */
  readonly appRedirectUris?: Readonly<Partial<Record<ProviderId, string>>>
  /**
   * The `appCallbackUri` of the organisation, for the flow `app_to_app` of Vipps: where its app wants the browser to go on, or
   * tells that it was cancelled. No code is taken there. What opens the app there goes the same way to `completeSignIn`.
   */
  readonly appCallbackUris?: Readonly<Partial<Record<ProviderId, string>>>
  readonly fetch?: typeof fetch
  readonly now?: () => Date
  /** What the person recognises this device by, at most 80 characters. Default: browser and system. */
  readonly deviceName?: string
  /** Default: Web Locks. */
  readonly lock?: Lock
}

export interface Nokkel {
  /** The session: who is logged in. */
  readonly auth: AuthService
  readonly vipps: VippsAuthenticationService
  readonly bankId: BankIdAuthenticationService
  /** Opens the session of this device by face, finger or PIN. */
  readonly biometrics: BiometricAuthService
  /** The ways in that the person has. */
  readonly logins: LoginService
  /** What is held of the person to know who they are. */
  readonly identity: UserIdentityRepository
  /** Consents, everything held on the person, and erasing it. */
  readonly privacy: PrivacyService
  readonly keys: KeyManagementService
  readonly userKeys: UserKeyService
  readonly devices: DeviceService
  readonly members: MemberService
  readonly companies: CompanyService
  readonly organizations: OrganizationService
  /** How people log in to the organisation, and accounts that may be one person; for administrators. */
  readonly administration: AdministrationService
  readonly assignments: TaskEncryptionService
  readonly rfx: RfxService
  /** The time as the server has it, as far as is known: deadlines are told by it, not by the clock of this device. */
  now(): Date
  /** Takes up the session of this browser, if there is one. What goes wrong becomes the state of `auth`. */
  start(): Promise<void>
  close(): void
}

/**
 * Makes the client of one organisation. Nothing happens before {@link Nokkel.start} or a login.
 *
 * @example
 * ```ts
 * const nokkel = createNokkel({ organization: 'likeperson' })
 * await nokkel.start()
 * if (nokkel.auth.getSnapshot().status === 'signed_out') await nokkel.vipps.signIn()
 * for (const item of (await nokkel.assignments.inbox()).items) console.log((await item.open()).title)
 * ```
 */
export function createNokkel(options: NokkelOptions): Nokkel {
  const {
    organization,
    url = location.origin,
    storage = indexedDbStorage(),
    keyGenerator = workerKeyGenerator,
    keyWrapper,
    urlLauncher = browserUrlLauncher,
    authenticator = webAuthenticator,
    appRedirectUris = {},
    appCallbackUris = {},
    fetch = (input, init) => globalThis.fetch(input, init),
    now = () => new Date(),
    deviceName = describeDevice(),
    lock = createWebLock(),
  } = options
  const clock = createServerClock(now)
  const base = url.replace(/\/$/, '')
  const request = createRequest({ url: base, fetch, clock })
  const store = createAuthTokenStore(storage)
  const vault = createVault()
  const session = createSessionManager({ organization, store, storage, request, lock, vault, now: clock.now })
  const call: Call = createCall(request, session, () => controller.getSnapshot().me?.id)

  const organizations = createOrganizationService(request)
  const controller = createSessionController({
    organization,
    storage,
    session,
    request,
    call,
    now: clock.now,
    onSignedIn(me) {
      userKeys.run(me, keys.run(me))
      rfx.run(me, userKeys.settled())
    },
  })
  const page = globalThis.location?.origin
  const pendingLogins = createPendingLogins(storage, lock, now)
  const providerLogins = createProviderLogins({
    organization,
    storage,
    pendingLogins,
    organizations,
    steps: createLoginSteps({
      organization,
      deviceName,
      storage,
      pendingLogins,
      request,
      call,
      session,
      entry: controller,
      keyGenerator,
      // What a login needs lies in the storage of this page's origin: it comes back to no other one.
      origins: page === undefined ? [base] : base.startsWith(`${page}/`) ? [page, base] : [page],
      appRedirectUris,
      appCallbackUris,
      now,
      serverNow: clock.now,
    }),
    entry: controller,
    urlLauncher,
    lock,
    now,
  })
  const auth = createAuthService(controller, providerLogins)
  const keys = createKeyManagementService({
    deviceName,
    storage,
    session,
    call,
    lock,
    now: clock.now,
    reload: controller.reload,
    signIn: auth.signIn,
  })
  const biometrics = createBiometricAuthService({
    authenticator,
    storage,
    session,
    vault,
    controller,
    keys,
    request,
    call,
    lock,
    now: clock.now,
  })
  const userKeys = createUserKeyService({ call, session, keyGenerator, lock })
  const members = createMemberService(call)
  const me = async (): Promise<Me> => auth.getSnapshot().me ?? (await controller.reload())
  const assignments = createTaskEncryptionService({ call, members, storage, lock, own: keys.own, me, now: clock.now })
  const companies = createCompanyService({ call, me })
  const rfx = createRfxService({
    call,
    storage,
    lock,
    now: clock.now,
    own: keys.own,
    me,
    userKeys,
    companies,
    keyWrapper,
  })
  const identityStorage = createVaultStorage(storage, session, vault)
  const identity = createIdentityRepository({ call, session, storage: identityStorage, lock, now, own: keys.own })
  const renew = () => identity.purgeLocalIdentityData().finally(controller.refresh)
  const devices = createDeviceService(call, session)

  auth.subscribe(() => {
    const { status, notice } = auth.getSnapshot()
    if (status !== 'signed_out' && status !== 'locked') return
    vault.forget()
    providerLogins.reset()
    biometrics.reset()
    rfx.reset()
    userKeys.reset()
    if (notice === undefined || notice === 'account_erased') keys.reset()
  })
  const unsubscribe = storage.subscribe?.((name) => {
    // A storage that fails now will say so to whoever asks next.
    if (name === sessionName) controller.follow().catch(() => {})
    if (name.startsWith(erasedPrefix)) controller.expectErased(name.slice(erasedPrefix.length))
    if (name.startsWith(identityPrefix) || name === purgeName) identity.changed()
    providerLogins.follow(name).catch(() => {})
    biometrics.follow(name).catch(() => {})
  })

  return {
    auth,
    vipps: providerLogins.vipps,
    bankId: providerLogins.bankid,
    biometrics,
    logins: createLoginService(call),
    identity,
    privacy: createPrivacyService({
      call,
      session,
      own: keys.own,
      renew,
      forgetCredentials: biometrics.forgetCredentials,
    }),
    keys,
    userKeys,
    devices,
    members,
    companies,
    organizations,
    administration: createAdministrationService(call),
    assignments,
    rfx,
    now: clock.now,
    async start() {
      await controller.start()
      await providerLogins.restore().catch(() => {})
    },
    close() {
      unsubscribe?.()
      controller.close()
      providerLogins.close()
      vault.close()
      rfx.reset()
      userKeys.reset()
      storage.close?.()
    },
  }
}
