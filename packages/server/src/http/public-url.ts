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

/**
 * Checks where the pages of the application are, which logins come back to: the public URL itself, or an origin that may call
 * the API. It has no path of its own, because that is where the client looks for itself.
 *
 * @param text - Default: the public URL.
 * @returns Without a final slash.
 * @throws {TypeError} Something else, or not https in production.
 */
export function appUrlOf(
  text: string | undefined,
  { publicUrl, allowedOrigins }: { readonly publicUrl: string; readonly allowedOrigins: readonly string[] },
  production: boolean,
): string {
  const url = (text ?? publicUrl).replace(/\/$/, '')
  if (url === publicUrl) return url
  if (![new URL(publicUrl).origin, ...allowedOrigins].includes(url)) {
    throw new TypeError('The URL of the application must be the public one, or an origin that is ours or allowed.')
  }
  return publicUrlOf(url, production)
}
