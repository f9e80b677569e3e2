import * as m from '../paraglide/messages.js'

/** First six digits and five stars, as the server gives it; read aloud as words. */
export function MaskedPersonnummer({ masked }: { masked: string }) {
  return (
    <span className="personnummer">
      <span aria-hidden="true">{`${masked.slice(0, 6)} ${masked.slice(6)}`}</span>
      <span className="ds-sr-only">{m.pnr_masked({ digits: masked.slice(0, 6) })}</span>
    </span>
  )
}
