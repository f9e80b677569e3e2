/** A bar for what has a known length; the text beside it says what is going on. */
export function Progress({ label, value, total }: { label: string; value: number; total: number }) {
  return <progress className="progress" aria-label={label} max={Math.max(total, 1)} value={value} />
}
