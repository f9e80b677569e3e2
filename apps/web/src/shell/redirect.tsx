import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { LinkFailure } from '../login/link-failure.ts'

interface RedirectProps {
  to: string
  returnTo?: string | undefined
  linkFailure?: LinkFailure
}

/**
 * Goes to another page, once. The router's own component goes again whenever it is rendered, and leaving a page renders
 * it a few times.
 */
export function Redirect({ to, returnTo, linkFailure }: RedirectProps) {
  const navigate = useNavigate()
  const target = useRef({
    to,
    search: returnTo ? { to: returnTo } : {},
    replace: true,
    ...(linkFailure && { state: { linkFailure } }),
  })

  useEffect(() => {
    void navigate(target.current)
  }, [navigate])
  return null
}
