/** A point in time as answers carry it: RFC 3339 in UTC. */
export function instant(date: Date): string {
  return date.toISOString()
}

/** As {@link instant}, where there may be none. */
export function optionalInstant(date: Date | null): string | null {
  return date && instant(date)
}
