/**
 * Checks the URL the server is reached at.
 *
 * @returns Without a final slash.
 * @throws {TypeError} Not an absolute URL, or not https in production.
 */
export function publicUrlOf(text: string, production: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const usable =
    url &&
    !url.search &&
    !url.hash &&
    !url.username &&
    (url.protocol === 'https:' || (!production && url.protocol === 'http:'))
  if (!usable) throw new TypeError(`The public URL must be an absolute ${production ? 'https' : 'http or https'} URL.`)
  return url.href.replace(/\/$/, '')
}
