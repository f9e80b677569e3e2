import type { Scenario } from './scenario.ts'

export const noIss: Scenario = {
  title: { nb: 'Tilbakekallet mangler iss', en: 'The callback lacks iss' },
  providers: ['bankid'],
  callback(url) {
    const callback = new URL(url)
    callback.searchParams.delete('iss')
    return callback.href
  },
}
