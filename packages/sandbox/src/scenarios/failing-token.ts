import type { Scenario } from './scenario.ts'

export const failingToken: Scenario = {
  title: { nb: 'Token-endepunktet feiler', en: 'The token endpoint fails' },
  tokenAnswer: (_, { status }) => ({
    status,
    contentType: 'text/html; charset=utf-8',
    body: `<!doctype html><title>${status}</title><h1>Service unavailable</h1>`,
  }),
}
