import type { Scenario } from './scenario.ts'

/** Vipps mentions an error of its own for this and does not say which; ePayment has “5030 Illegal scope”. */
export const ninError: Scenario = {
  title: { nb: 'Fødselsnummeret blir nektet (egen feil)', en: 'The national number is refused (error of its own)' },
  providers: ['vipps'],
  refusal: { error: 'illegal_scope', description: 'Illegal scope (5030)', scope: 'nin' },
}
