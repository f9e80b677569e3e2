export { NokkelProvider, type NokkelProviderProps, useNokkel } from './nokkel-provider.tsx'
export { type UseDeviceKeys, useDeviceKeys } from './use-device-keys.ts'
export { type UseSession, useSession } from './use-session.ts'
export { type UseUserKey, useUserKey } from './use-user-key.ts'
