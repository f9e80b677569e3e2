import * as contract from '@nokkel/contract'
import type { Context } from 'hono'
import { callerOf } from '../audit/caller.ts'
import type { Claims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import { type BeginLoginDependencies, beginLogin } from './begin-login.ts'
import { type CompleteLoginDependencies, completeLogin, type LoginCaller } from './complete-login.ts'
import { beginLink, completeLink } from './link.ts'
import { listLogins, removeLogin } from './logins.ts'
import { isErased } from './store.ts'
import type { VerifySupabaseToken } from './supabase-token.ts'
import { continueLogin, findWaiting } from './waiting.ts'

export interface LoginDependencies extends BeginLoginDependencies, Omit<CompleteLoginDependencies, 'supabase'> {
  /** Without it no token of Supabase is taken. */
  readonly verifySupabaseToken: VerifySupabaseToken | undefined
}

export function registerLogin(api: Api, { verifySupabaseToken, ...rest }: LoginDependencies): void {
  const dependencies = { ...rest, supabase: verifySupabaseToken !== undefined }

  async function supabaseUser(token: string): Promise<string> {
    if (!verifySupabaseToken) throw new ServerError('supabase_token_invalid')
    const id = await verifySupabaseToken(token)
    if (!(await isErased(dependencies.database, id))) return id
    throw new ServerError('supabase_token_invalid', {
      detail: 'The account of this token was erased. Log in without it: that makes a new one.',
    })
  }

  /** Of one that is not valid nothing is said: this is a login like any other. */
  async function sessionOf(accessToken: string): Promise<Claims | undefined> {
    const verified = await dependencies.accessTokens.verify(accessToken).catch(() => undefined)
    return verified?.claims
  }

  api.implement(contract.beginLogin, async ({ body: { linkToken, supabaseToken, accessToken, ...request } }) =>
    beginLogin(dependencies, request, {
      ...(linkToken !== undefined && { waitingId: await findWaiting(dependencies, linkToken, request.organization) }),
      ...(supabaseToken !== undefined && { supabaseUserId: await supabaseUser(supabaseToken) }),
      ...(accessToken !== undefined && { session: await sessionOf(accessToken) }),
    }),
  )
  api.implement(contract.completeLogin, ({ body, ...request }) =>
    completeLogin(dependencies, body, loginCallerOf(request)),
  )
  api.implement(contract.continueLogin, ({ body, ...request }) =>
    continueLogin(dependencies, body, loginCallerOf(request)),
  )
  api.implement(contract.listLogins, ({ claims }) => listLogins(dependencies, claims))
  api.implement(contract.beginLink, ({ body, ...request }) => beginLink(dependencies, callerOf(request), body))
  api.implement(contract.completeLink, ({ body, ...request }) => completeLink(dependencies, callerOf(request), body))
  api.implement(contract.removeLogin, ({ params, ...request }) =>
    removeLogin(dependencies, callerOf(request), params.id),
  )
}

function loginCallerOf({ thumbprint, context }: { thumbprint: string; context: Context }): LoginCaller {
  return { thumbprint, requestId: context.get('requestId') as string }
}
