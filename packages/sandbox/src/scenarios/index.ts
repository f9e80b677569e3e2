import { accessDenied } from './access-denied.ts'
import { expiredCode } from './expired-code.ts'
import { expiredIdToken } from './expired-id-token.ts'
import { failingToken } from './failing-token.ts'
import { foreignSignature } from './foreign-signature.ts'
import { lowAcr } from './low-acr.ts'
import { malformedCallback } from './malformed-callback.ts'
import { missingNin } from './missing-nin.ts'
import { mixedUpIssuer } from './mixed-up-issuer.ts'
import { noIss } from './no-iss.ts'
import { reusedCode } from './reused-code.ts'
import type { ProviderName, Scenario } from './scenario.ts'
import { slowToken } from './slow-token.ts'
import { userinfoSubMismatch } from './userinfo-sub-mismatch.ts'
import { wrongAudience } from './wrong-audience.ts'
import { wrongIssuer } from './wrong-issuer.ts'
import { wrongNonce } from './wrong-nonce.ts'

const scenarios = {
  'access-denied': accessDenied,
  'missing-nin': missingNin,
  'wrong-nonce': wrongNonce,
  'wrong-issuer': wrongIssuer,
  'wrong-audience': wrongAudience,
  'expired-id-token': expiredIdToken,
  'low-acr': lowAcr,
  'foreign-signature': foreignSignature,
  'expired-code': expiredCode,
  'reused-code': reusedCode,
  'slow-token': slowToken,
  'failing-token': failingToken,
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
