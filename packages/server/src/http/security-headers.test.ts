import { describe, expect, it } from 'vitest'
import { securityHeaders } from './security-headers.ts'

describe('security headers', () => {
  it('let scripts, styles and workers come from files of this origin only', () => {
    const policy = securityHeaders(false)['content-security-policy']
    expect(policy).toBe(
      "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src 'self' data: blob:; " +
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; " +
        "require-trusted-types-for 'script'",
    )
  })

  it('ask for TLS in production only', () => {
    expect(securityHeaders(true)['strict-transport-security']).toBe('max-age=63072000')
    expect(securityHeaders(false)['strict-transport-security']).toBeUndefined()
  })
})
