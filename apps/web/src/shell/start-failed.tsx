import { restart } from '../client.ts'
import type { ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'

/** The session could not be opened on this device, mostly because the browser stores nothing. */
export function StartFailed({ reason }: { reason: ErrorCode | undefined }) {
  return (
    <div className="page">
      <Problem code={reason} onRetry={restart} />
    </div>
  )
}
