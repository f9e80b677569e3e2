import { Paragraph, Spinner } from '@digdir/designsystemet-react'

/** A wait with its reason, announced once it is clear that there is one. */
export function Waiting({ reason }: { reason: string }) {
  return (
    <div className="waiting" role="status">
      <Spinner aria-hidden="true" data-size="sm" />
      <Paragraph>{reason}</Paragraph>
    </div>
  )
}
