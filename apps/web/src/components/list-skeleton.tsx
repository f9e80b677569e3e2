import { Skeleton } from '@digdir/designsystemet-react'

export function ListSkeleton({ reason }: { reason: string }) {
  return (
    <div role="status" className="rows">
      <span className="ds-sr-only">{reason}</span>
      {['first', 'second', 'third'].map((row) => (
        <div key={row} className="row" aria-hidden="true">
          <Skeleton variant="circle" width="2rem" height="2rem" />
          <span className="row-text">
            <Skeleton variant="text" width="60%" />
            <Skeleton variant="text" width="35%" />
          </span>
        </div>
      ))}
    </div>
  )
}
