import { accessDenied } from './access-denied.ts'
import { cutToken } from './cut-token.ts'
import { emptyAddressScenario } from './empty-address.ts'
import { expiredCode } from './expired-code.ts'
import { expiredIdToken } from './expired-id-token.ts'
import { failingToken } from './failing-token.ts'
import { failingUserinfo, failingUserinfoOnce } from './failing-userinfo.ts'
import { foreignSignature } from './foreign-signature.ts'
import { invalidScope } from './invalid-scope.ts'
import { lowAcr } from './low-acr.ts'
import { malformedCallback } from './malformed-callback.ts'
import { missingNin } from './missing-nin.ts'
import { mixedUpIssuer } from './mixed-up-issuer.ts'
import { ninError } from './nin-error.ts'
import { noAppConfirmation } from './no-app-confirmation.ts'
import { noIss } from './no-iss.ts'
import { reusedCode } from './reused-code.ts'
import { rotatedKey } from './rotated-key.ts'
import type { ProviderName, Scenario } from './scenario.ts'
import { slowToken } from './slow-token.ts'
import { slowUserinfo } from './slow-userinfo.ts'
import { unverifiedContact } from './unverified-contact.ts'
import { userinfoSubMismatch } from './userinfo-sub-mismatch.ts'
import { wrongAudience } from './wrong-audience.ts'
import { wrongIssuer } from './wrong-issuer.ts'
import { wrongNonce } from './wrong-nonce.ts'

const scenarios = {
  'access-denied': accessDenied,
  'missing-nin': missingNin,
  'invalid-scope': invalidScope,
  'nin-error': ninError,
  'unverified-contact': unverifiedContact,
  'empty-address': emptyAddressScenario,
  'wrong-nonce': wrongNonce,
  'wrong-issuer': wrongIssuer,
  'wrong-audience': wrongAudience,
  'expired-id-token': expiredIdToken,
  'low-acr': lowAcr,
  'no-app-confirmation': noAppConfirmation,
  'foreign-signature': foreignSignature,
  'rotated-key': rotatedKey,
  'expired-code': expiredCode,
  'reused-code': reusedCode,
  'slow-token': slowToken,
  'failing-token': failingToken,
  'cut-token': cutToken,
  'slow-userinfo': slowUserinfo,
  'failing-userinfo': failingUserinfo,
  'failing-userinfo-once': failingUserinfoOnce,
  'userinfo-sub-mismatch': userinfoSubMismatch,
  'malformed-callback': malformedCallback,
  'no-iss': noIss,
  'mixed-up-issuer': mixedUpIssuer,
} as const satisfies Record<string, Scenario>

/** The ways a provider can misbehave on purpose. */
export type ScenarioName = keyof typeof scenarios

/** The names of the scenarios that make sense for a provider. */
export function scenariosOf(provider: ProviderName): readonly ScenarioName[] {
  return (Object.keys(scenarios) as ScenarioName[]).filter((name) => isScenario(provider, name))
}

/** Whether a text names a scenario of a provider. */
export function isScenario(provider: ProviderName, name: string): name is ScenarioName {
  if (!Object.hasOwn(scenarios, name)) return false
  return scenario(name as ScenarioName).providers?.includes(provider) ?? true
}

export const scenario = (name: ScenarioName): Scenario => scenarios[name]
