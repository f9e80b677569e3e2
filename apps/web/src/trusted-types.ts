interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown
}

/**
 * Under `require-trusted-types-for 'script'` a Worker starts only through a policy. The key worker is the one script
 * URL this app makes, so the policy lets scripts of this origin through and nothing else: no HTML, no script text.
 */
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
trustedTypes?.createPolicy('default', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError('scripts come from this origin only')
    return url
  },
})
