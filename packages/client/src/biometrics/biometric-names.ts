import { userNamespace } from '../storage/user-namespace.ts'

/** `true`: this device is to be opened by biometrics, by this person. */
export async function enrolledName(userId: string): Promise<string> {
  return `biometric_enrolled_v1.${await userNamespace(userId)}`
}

/** When, and in which session, this person did not want to be asked again. */
export async function declinedName(userId: string): Promise<string> {
  return `biometric_declined_v1.${await userNamespace(userId)}`
}

/** The credentials that this browser made for this person. */
export async function credentialName(userId: string): Promise<string> {
  return `biometric_credential_v1.${await userNamespace(userId)}`
}
