import { formatExact, formatWhen } from './format.ts'

interface WhenProps {
  at: Date | string
  /** The sentence the time stands in. Default: the time alone. */
  text?: (when: string) => string
}

/** A moment in plain words, with the exact time for machines and on hover. */
export function When({ at, text = (when) => when }: WhenProps) {
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={formatExact(date)}>
      {text(formatWhen(date))}
    </time>
  )
}
