/** A face in the frame that phones show while they look for one. Decorative, the words stand beside it. */
export function BiometricIcon() {
  return (
    <svg className="biometric-icon" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 10V8a4 4 0 0 1 4-4h2M22 4h2a4 4 0 0 1 4 4v2M28 22v2a4 4 0 0 1-4 4h-2M10 28H8a4 4 0 0 1-4-4v-2" />
      <path d="M11.5 12v2M20.5 12v2M16.5 12v5h-1.5M11.5 20.5c2.6 2 6.4 2 9 0" />
    </svg>
  )
}
