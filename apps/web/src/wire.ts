import type { AssignmentItem, AuthState, MemberService } from '@nokkel/client'

export type Me = NonNullable<AuthState['me']>
export type Role = Me['role']
export type Member = Awaited<ReturnType<MemberService['list']>>['items'][number]
export type Delivery = NonNullable<AssignmentItem['deliveries']>[number]
