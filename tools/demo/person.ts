import type { Nokkel } from '@nokkel/client'
import { createNokkel } from '@nokkel/client/node'
import { signIn } from '@nokkel/sandbox'

export interface PersonOptions {
  readonly url: string
  readonly provider: 'bankid' | 'vipps'
  /** `id` of a person of the sandbox. */
  readonly person: string
  readonly deviceName: string
  readonly fetch: typeof fetch
}

/** Logs a person in at a new device; the pages of the provider are walked through without a browser. */
export async function logIn({ url, provider, person, deviceName, fetch }: PersonOptions): Promise<Nokkel> {
  let callback = ''
  const nokkel = createNokkel({
    url,
    organization: 'likeperson',
    deviceName,
    fetch,
    urlLauncher: {
      async launch(authorizationUrl) {
        callback = await signIn(authorizationUrl, { person })
      },
    },
  })
  await nokkel.start()
  await nokkel.auth.signIn(provider, { consent: { personnummer: true } })
  await nokkel.auth.completeSignIn(new URL(callback))
  await nokkel.keys.settled()
  return nokkel
}
