import type { AssignmentItem, AuthService, MemberService, Nokkel } from '@nokkel/client'

export type Me = NonNullable<ReturnType<AuthService['getSnapshot']>['me']>
export type Role = Me['role']
export type Member = Awaited<ReturnType<MemberService['list']>>['items'][number]
export type Delivery = NonNullable<AssignmentItem['deliveries']>[number]
export type OrganizationSummary = Awaited<ReturnType<Nokkel['organizations']['list']>>[number]

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
