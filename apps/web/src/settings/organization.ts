import { forget, remember, remembered } from './remembered.ts'

const name = 'nokkel.organization'

/** The organisation that was chosen or logged in to here last, else ''. */
export const rememberedOrganization = (): string => remembered(name) ?? ''

/** The organisation a callback URL is for, else the remembered one. Anybody can make such a URL. */
export function initialOrganization(path = location.pathname): string {
  const [, callback, , organization] = path.split('/')
  return (callback === 'callback' && organization) || rememberedOrganization()
}

export const rememberOrganization = (slug: string): void => remember(name, slug)

/** The organisation in use stays so until the page is left. */
export const forgetOrganization = (): void => forget(name)
