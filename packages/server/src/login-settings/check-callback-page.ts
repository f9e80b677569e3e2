import type { ProviderFinding } from '@nokkel/contract'

/**
 * Whether the application answers where a provider sends people back to: the API has no such page, and where it stands alone
 * they would end there.
 *
 * @returns What is wrong; nothing where a page answers.
 */
export async function checkCallbackPage(redirectUri: string, timeoutSeconds: number): Promise<ProviderFinding[]> {
  const told = (result: 'failed' | 'unknown', detail: string): ProviderFinding[] => [
    { check: 'redirect_uri', result, detail },
  ]
  let answer: Response
  try {
    answer = await fetch(redirectUri, {
      redirect: 'manual',
      // As a browser that is sent there asks.
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    })
  } catch {
    return told('unknown', `${redirectUri} cannot be reached from here; people must find the application there.`)
  }
  await answer.body?.cancel()
  const isPage = answer.status === 200 && /^text\/html\b/i.test(answer.headers.get('content-type') ?? '')
  if (isPage) return []
  const detail = `${redirectUri} answers ${answer.status} and no page: the application must be there, with its start page for every path. Where it is on another host, set APP_URL to that.`
  return told('failed', detail)
}
