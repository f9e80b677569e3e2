import { Skeleton } from '@digdir/designsystemet-react'

export function ListSkeleton({ reason }: { reason: string }) {
  return (
    <div role="status" className="rows">
      <span className="ds-sr-only">{reason}</span>
      {['first', 'second', 'third'].map((row) => (
        <div key={row} className="row" aria-hidden="true">
          <Skeleton variant="circle" width="2rem" height="2rem" />
          <span className="row-text">
            <Skeleton width="60%" height="1.125rem" />
            <Skeleton width="35%" height="0.875rem" />
          </span>
        </div>
      ))}
    </div>
  )
}
