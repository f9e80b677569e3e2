/** The mark of the product: a key. Decorative, the name stands beside it. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect className="mark-ground" width="32" height="32" rx="9" />
      <circle className="mark-line" cx="11.5" cy="16" r="4.5" />
      <path className="mark-line" d="M16 16h10.5M22 16v4.2M26 16v3" />
      <circle className="mark-dot" cx="11.5" cy="16" r="1.5" />
    </svg>
  )
}
