import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { LinkFailure } from '../login/link-failure.ts'

interface RedirectProps {
  to: string
  returnTo?: string | undefined
  linkFailure?: LinkFailure
  /** Whether a login has just succeeded. */
  afterLogin?: boolean | undefined
}

/**
 * Goes to another page, once. The router's own component goes again whenever it is rendered, and leaving a page renders
 * it a few times.
 */
export function Redirect({ to, returnTo, linkFailure, afterLogin }: RedirectProps) {
  const navigate = useNavigate()
  const target = useRef({
    to,
    search: returnTo ? { to: returnTo } : {},
    replace: true,
    state: { ...(linkFailure && { linkFailure }), ...(afterLogin && { afterLogin }) },
  })

  useEffect(() => {
    void navigate(target.current)
  }, [navigate])
  return null
}
