import type { AssignmentItem, AuthService, MemberService, Nokkel } from '@nokkel/client'

export type Me = NonNullable<ReturnType<AuthService['getSnapshot']>['me']>
export type Role = Me['role']
export type Member = Awaited<ReturnType<MemberService['list']>>['items'][number]
export type Delivery = NonNullable<AssignmentItem['deliveries']>[number]
export type OrganizationSummary = Awaited<ReturnType<Nokkel['organizations']['list']>>[number]

export type DeviceEnrollment = NonNullable<Awaited<ReturnType<Nokkel['biometrics']['enrollment']>>>

type Administration = Nokkel['administration']
export type LinkedLogins = Awaited<ReturnType<Nokkel['logins']['list']>>
export type LinkedLogin = LinkedLogins['logins'][number]
export type LoginSettings = Awaited<ReturnType<Administration['loginSettings']>>
export type LoginWarning = LoginSettings['warnings'][number]
export type Assurance = LoginSettings['minimumAssurance']
export type VippsSettings = NonNullable<LoginSettings['vipps']>
export type VippsCost = NonNullable<LoginSettings['cost']>
export type Duplicate = Awaited<ReturnType<Administration['duplicates']>>['items'][number]
export type DuplicateAccount = Duplicate['accounts'][number]
export type MergeEffect = Awaited<ReturnType<Administration['previewMerge']>>['effects'][number]
export type ProviderFinding = Awaited<ReturnType<Administration['checkVipps']>>[number]

type PersonnummerStatus = Awaited<ReturnType<Nokkel['identity']['personnummer']>>
export type KeptPersonnummer = NonNullable<PersonnummerStatus['kept']>
export type OfferedPersonnummer = NonNullable<PersonnummerStatus['offered']>
export type Consent = Awaited<ReturnType<Nokkel['privacy']['consents']>>[number]
export type ExportedData = Awaited<ReturnType<Nokkel['privacy']['exportData']>>
export type PersonalData = ExportedData['data']
export type ErasurePreview = Awaited<ReturnType<Nokkel['privacy']['preview']>>
export type ErasureCertificate = Awaited<ReturnType<Nokkel['privacy']['erase']>>
