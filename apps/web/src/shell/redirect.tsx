import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'

/**
 * Goes to another page, once. The router's own component goes again whenever it is rendered, and leaving a page renders
 * it a few times.
 */
export function Redirect({ to, returnTo }: { to: string; returnTo?: string | undefined }) {
  const navigate = useNavigate()
  const target = useRef({ to, search: returnTo ? { to: returnTo } : {}, replace: true })

  useEffect(() => {
    void navigate(target.current)
  }, [navigate])
  return null
}
