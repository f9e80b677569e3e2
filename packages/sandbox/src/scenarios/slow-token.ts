import type { Scenario } from './scenario.ts'

export const slowToken: Scenario = {
  title: { nb: 'Token-endepunktet svarer sent', en: 'The token endpoint answers late' },
  async tokenAnswer(answer, { wait, delayMilliseconds }) {
    await wait(delayMilliseconds)
    return answer
  },
}
