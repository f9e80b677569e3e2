import { Paragraph } from '@digdir/designsystemet-react'
import * as m from '../paraglide/messages.js'

interface FingerprintProps {
  value: string
  /** What to do with it. Nothing is said where `null`. Default: how to compare devices. */
  help?: string | null
}

/** Six groups of five digits, which two people can read to each other by phone. */
export function Fingerprint({ value, help = m.fingerprint_help() }: FingerprintProps) {
  return (
    <div className="fingerprint-block">
      <p className="fingerprint">
        <span className="ds-sr-only">{m.fingerprint_label()}: </span>
        {value.split(/\s+/).map((group, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: groups have no identity but their place
          <span key={index}>{group} </span>
        ))}
      </p>
      {help && <Paragraph data-size="sm">{help}</Paragraph>}
    </div>
  )
}
