/** A callback of a provider that does not document `iss` in it (RFC 9207). */
export function withoutIssuer(url: string): string {
  const callback = new URL(url)
  callback.searchParams.delete('iss')
  return callback.href
}
