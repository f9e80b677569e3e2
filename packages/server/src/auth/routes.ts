import * as contract from '@nokkel/contract'
import type { Api } from '../http/api.ts'
import { type BeginLoginDependencies, beginLogin } from './begin-login.ts'
import { type CompleteLoginDependencies, completeLogin } from './complete-login.ts'

export type LoginDependencies = BeginLoginDependencies & CompleteLoginDependencies

export function registerLogin(api: Api, dependencies: LoginDependencies): void {
  api.implement(contract.beginLogin, ({ body }) => beginLogin(dependencies, body))
  api.implement(contract.completeLogin, ({ body, thumbprint }) => completeLogin(dependencies, body, thumbprint))
}
