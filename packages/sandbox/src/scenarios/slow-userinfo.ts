import type { Scenario } from './scenario.ts'

export const slowUserinfo: Scenario = {
  title: { nb: 'Userinfo svarer sent', en: 'Userinfo answers late' },
  providers: ['vipps', 'signicat'],
  async userinfoAnswer(answer, { wait, delayMilliseconds }) {
    await wait(delayMilliseconds)
    return answer
  },
}
