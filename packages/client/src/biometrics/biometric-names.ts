import { userNamespace } from '../storage/user-namespace.ts'

/** `true`: this device is to be opened by biometrics, by this person. */
export async function enrolledName(userId: string): Promise<string> {
  return `biometric_enrolled_v1.${await userNamespace(userId)}`
}

/** The session in which this person did not want to be asked again. */
export async function declinedName(userId: string): Promise<string> {
  return `biometric_declined_v1.${await userNamespace(userId)}`
}
