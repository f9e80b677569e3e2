import type { Scenario } from './scenario.ts'

/** The attack RFC 9207 is about: the response claims to come from another authorization server. */
export const mixedUpIssuer: Scenario = {
  title: { nb: 'Tilbakekallet oppgir en annen utsteder', en: 'The callback names another issuer' },
  callback(url) {
    const callback = new URL(url)
    callback.searchParams.set('iss', 'https://other-issuer.example')
    return callback.href
  },
}
