import type { Scenario } from './scenario.ts'

/** As the documentation of Vipps shows an error returned to an app: with a second `?`. */
export const malformedCallback: Scenario = {
  title: { nb: 'Misdannet feilsvar i tilbakekallet', en: 'Malformed error in the callback' },
  providers: ['vipps'],
  callback(url) {
    const callback = new URL(url)
    const state = callback.searchParams.get('state') ?? ''
    callback.search = ''
    return `${callback.href}?state=${encodeURIComponent(state)}?error=unknown_error`
  },
}
