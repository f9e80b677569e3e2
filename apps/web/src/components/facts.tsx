import type { ReactNode } from 'react'

/** What is known of something, each with its name. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="spec-fields">
      {facts.map(([name, value]) => (
        <div key={name} className="spec-field">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
