const name = 'nokkel.organization'

/** The organisation a callback URL is for, else the one last logged in to here, else ''. */
export function initialOrganization(path = location.pathname): string {
  const [, callback, , organization] = path.split('/')
  return (callback === 'callback' && organization) || localStorage.getItem(name) || ''
}

export function rememberOrganization(slug: string): void {
  localStorage.setItem(name, slug)
}
