import type { Scenario } from './scenario.ts'

/** The code is used, and nobody learns what came of it. */
export const cutToken: Scenario = {
  title: { nb: 'Token-endepunktet legger på', en: 'The token endpoint hangs up' },
  tokenAnswer(answer, { hangUp }) {
    hangUp()
    return answer
  },
}
