import type * as contract from '@nokkel/contract'

type Contract = typeof contract
type OperationName = {
  [K in keyof Contract]: Contract[K] extends contract.Operation ? K : never
}[keyof Contract]

/** The operations this package calls. The contract itself would bring its schemas into the bundle. */
export const endpoints = {
  beginLogin: 'POST /nokkel/login',
  completeLogin: 'POST /nokkel/login/complete',
  continueLogin: 'POST /nokkel/login/continue',
  listLogins: 'GET /nokkel/me/logins',
  beginLink: 'POST /nokkel/me/logins',
  completeLink: 'POST /nokkel/me/logins/complete',
  removeLogin: 'DELETE /nokkel/me/logins/{id}',
  getLoginSettings: 'GET /nokkel/organization/login',
  putLoginSettings: 'PUT /nokkel/organization/login',
  putVippsSettings: 'PUT /nokkel/organization/vipps',
  putVippsCost: 'PUT /nokkel/organization/vipps/cost',
  checkVippsSettings: 'POST /nokkel/organization/vipps/check',
  listDuplicates: 'GET /nokkel/duplicates',
  previewMerge: 'GET /nokkel/duplicates/{id}/preview',
  mergeAccounts: 'POST /nokkel/duplicates/{id}/merge',
  undoMerge: 'POST /nokkel/duplicates/{id}/undo',
  dismissDuplicate: 'POST /nokkel/duplicates/{id}/dismiss',
  refreshSession: 'POST /nokkel/session/refresh',
  signOut: 'DELETE /nokkel/session',
  endSession: 'POST /nokkel/session/end',
  resumeDevice: 'POST /nokkel/session/device',
  listSessions: 'GET /nokkel/sessions',
  revokeSession: 'DELETE /nokkel/sessions/{id}',
  revokeOtherSessions: 'DELETE /nokkel/sessions',
  createDeviceChallenge: 'POST /nokkel/devices/challenges',
  registerDevice: 'POST /nokkel/devices',
  listDevices: 'GET /nokkel/devices',
  revokeDevice: 'DELETE /nokkel/devices/{id}',
  listOrganizations: 'GET /nokkel/organizations',
  getMe: 'GET /nokkel/me',
  listMembers: 'GET /nokkel/members',
  getMembersById: 'POST /nokkel/members/lookup',
  createBlob: 'POST /nokkel/blobs',
  putBlobChunk: 'PUT /nokkel/blobs/{id}/chunks/{index}',
  getBlobChunk: 'GET /nokkel/blobs/{id}/chunks/{index}',
  sendAssignment: 'POST /nokkel/assignments',
  readdressAssignment: 'POST /nokkel/assignments/{id}/keys',
  listAssignments: 'GET /nokkel/assignments',
  getAssignment: 'GET /nokkel/assignments/{id}',
  markAssignmentOpened: 'POST /nokkel/assignments/{id}/opened',
  cryptoService: 'POST /crypto-service',
  generateUserKeys: 'POST /generate-user-keys',
  listUserKeys: 'GET /nokkel/keys',
  revokeUserKey: 'POST /nokkel/keys/{id}/compromised',
  rewrapUserKey: 'POST /nokkel/keys/{id}/rewraps',
  destroyUserKey: 'DELETE /nokkel/keys/{id}',
  listCompanies: 'GET /nokkel/companies',
  createCompany: 'POST /nokkel/companies',
  getCompany: 'GET /nokkel/companies/{id}',
  inviteToCompany: 'POST /nokkel/companies/{id}/invitations',
  joinCompany: 'POST /nokkel/companies/join',
  changeCompanyMember: 'PUT /nokkel/companies/{id}/members/{userId}',
  removeCompanyMember: 'DELETE /nokkel/companies/{id}/members/{userId}',
  generateCompanyKeys: 'POST /generate-company-keys',
  revokeCompanyKey: 'POST /nokkel/companies/{companyId}/keys/{id}/compromised',
  rewrapCompanyKey: 'POST /nokkel/companies/{companyId}/keys/{id}/rewraps',
  destroyCompanyKey: 'DELETE /nokkel/companies/{companyId}/keys/{id}',
  createRfx: 'POST /nokkel/rfx',
  listRfx: 'GET /nokkel/rfx',
  getRfx: 'GET /nokkel/rfx/{id}',
  deleteRfx: 'DELETE /nokkel/rfx/{id}',
  changeRfxStatus: 'PUT /nokkel/rfx/{id}/status',
  setRfxDeadline: 'PUT /nokkel/rfx/{id}/deadline',
  inviteSupplier: 'PUT /nokkel/rfx/{id}/suppliers/{companyId}',
  withdrawSupplier: 'DELETE /nokkel/rfx/{id}/suppliers/{companyId}',
  excludeRfxMember: 'PUT /nokkel/rfx/{id}/excluded/{userId}',
  readmitRfxMember: 'DELETE /nokkel/rfx/{id}/excluded/{userId}',
  nameOpener: 'PUT /nokkel/rfx/{id}/openers/{userId}',
  dismissOpener: 'DELETE /nokkel/rfx/{id}/openers/{userId}',
  createRfxGroup: 'POST /nokkel/rfx/{id}/groups',
  getRfxGroup: 'GET /nokkel/rfx/groups/{id}',
  listRfxRecipients: 'GET /nokkel/rfx/groups/{id}/recipients',
  addRfxWraps: 'POST /nokkel/rfx/groups/{id}/wraps',
  beginRfxVersion: 'POST /nokkel/rfx/groups/{id}/versions',
  addRfxVersionWraps: 'POST /nokkel/rfx/groups/{id}/versions/{attemptId}/wraps',
  activateRfxVersion: 'POST /nokkel/rfx/groups/{id}/versions/{attemptId}/activate',
  reportBrokenWrap: 'POST /nokkel/rfx/groups/{id}/wraps/broken',
  findRfxSigners: 'POST /nokkel/rfx/{id}/signers',
  checkRfx: 'GET /nokkel/rfx/{id}/check',
  addRfxEntry: 'POST /nokkel/rfx/{id}/entries',
  listRfxEntries: 'GET /nokkel/rfx/{id}/entries',
  getRfxEntry: 'GET /nokkel/rfx/{id}/entries/{sequence}',
  listStaleContentKeys: 'GET /nokkel/rfx/{id}/content-keys',
  moveContentKeys: 'POST /nokkel/rfx/{id}/content-keys',
  beginBid: 'POST /nokkel/rfx/{id}/bids',
  submitBid: 'PUT /nokkel/rfx/{id}/bids/{bidId}',
  withdrawBid: 'DELETE /nokkel/rfx/{id}/bids/companies/{companyId}',
  listBids: 'GET /nokkel/rfx/{id}/bids',
  releaseBidPart: 'POST /nokkel/rfx/{id}/bids/{bidId}/release',
  moveBidKey: 'POST /nokkel/rfx/{id}/bids/{bidId}/own-key',
  listDevelopers: 'GET /nokkel/developers',
  nameDeveloper: 'PUT /nokkel/developers/{userId}',
  dismissDeveloper: 'DELETE /nokkel/developers/{userId}',
  getIdentity: 'GET /nokkel/me/identity',
  upsertIdentity: 'PUT /nokkel/me/identity',
  markBankIdVerified: 'POST /nokkel/me/identity/bankid',
  getIdentityKey: 'GET /nokkel/identity-key',
  getPersonnummer: 'GET /nokkel/me/personnummer',
  keepPersonnummer: 'PUT /nokkel/me/personnummer',
  declinePersonnummer: 'DELETE /nokkel/me/personnummer/offer',
  revealPersonnummer: 'POST /nokkel/me/personnummer/reveal',
  listConsents: 'GET /nokkel/me/consents',
  withdrawConsent: 'DELETE /nokkel/me/consents/{id}',
  exportPersonalData: 'POST /nokkel/me/export',
  previewErasure: 'GET /nokkel/me/erasure',
  erasePerson: 'POST /nokkel/me/erasure',
  getBiometricEnrollment: 'GET /nokkel/biometrics',
  enrollBiometrics: 'POST /nokkel/biometrics',
  removeBiometrics: 'DELETE /nokkel/biometrics',
  createUnlockChallenge: 'POST /nokkel/session/unlock/challenges',
  unlockSession: 'POST /nokkel/session/unlock',
} as const satisfies Partial<Record<OperationName, `${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}`>>

export type Endpoint = keyof typeof endpoints

/** POSTs that may be sent twice: the same once more changes nothing, or only reads. */
const repeatablePosts: readonly Endpoint[] = [
  'refreshSession',
  'endSession',
  'getMembersById',
  'createBlob',
  'sendAssignment',
  'readdressAssignment',
  'markAssignmentOpened',
  'cryptoService',
  'revokeUserKey',
  'rewrapUserKey',
  'revokeCompanyKey',
  'rewrapCompanyKey',
  'addRfxEntry',
  'beginBid',
  'moveBidKey',
  'markBankIdVerified',
  'revealPersonnummer',
  'exportPersonalData',
  'enrollBiometrics',
  'createUnlockChallenge',
]

export function methodOf(endpoint: Endpoint): string {
  return endpoints[endpoint].slice(0, endpoints[endpoint].indexOf(' '))
}

export function isRepeatable(endpoint: Endpoint): boolean {
  return methodOf(endpoint) !== 'POST' || repeatablePosts.includes(endpoint)
}

type Present<T> = { [K in keyof T as T[K] extends undefined ? never : K]: T[K] }

/** What a call carries: `params`, `query`, `body` or `bytes`, those the operation has. */
export type InputOf<N extends Endpoint> = N extends 'putBlobChunk'
  ? Present<contract.RequestOf<Contract[N]>> & { bytes: Uint8Array<ArrayBuffer> }
  : Present<contract.RequestOf<Contract[N]>>

/** What comes back. */
export type AnswerOf<N extends Endpoint> = N extends 'getBlobChunk'
  ? Uint8Array<ArrayBuffer>
  : contract.AnswerOf<Contract[N]>

/** The URL of an operation; each parameter fills its place as one path segment. */
export function urlOf(base: string, endpoint: Endpoint, input: { params?: unknown; query?: unknown }): string {
  const parameters = (input.params ?? {}) as Record<string, string | number>
  const path = endpoints[endpoint].replace(/^\w+ /, '').replace(/\{(\w+)\}/g, (_, name: string) => {
    return encodeURIComponent(String(parameters[name]))
  })
  const query = Object.entries((input.query ?? {}) as Record<string, unknown>).filter(
    ([, value]) => value !== undefined,
  )
  const search = new URLSearchParams(query.map(([name, value]) => [name, String(value)])).toString()
  return `${base}${path}${search && `?${search}`}`
}
