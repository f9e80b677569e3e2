import type { Scenario, ScenarioContext } from './scenario.ts'

const failure = ({ status }: ScenarioContext) => ({
  status,
  contentType: 'text/html; charset=utf-8',
  body: `<!doctype html><title>${status}</title><h1>Service unavailable</h1>`,
})

export const failingUserinfo: Scenario = {
  title: { nb: 'Userinfo feiler', en: 'Userinfo fails' },
  providers: ['vipps', 'signicat'],
  userinfoAnswer: (_, context) => failure(context),
}

export const failingUserinfoOnce: Scenario = {
  title: { nb: 'Userinfo feiler første gang', en: 'Userinfo fails the first time' },
  providers: ['vipps', 'signicat'],
  userinfoAnswer: (answer, context) => (context.request === 1 ? failure(context) : answer),
}
