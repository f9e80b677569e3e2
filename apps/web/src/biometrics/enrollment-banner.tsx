import { CheckmarkCircleFillIcon } from '@navikt/aksel-icons'
import { useEffect } from 'react'
import * as m from '../paraglide/messages.js'

const shownMilliseconds = 6000

interface BiometricEnrollmentSuccessBannerProps {
  shown: boolean
  onGone: () => void
}

/** Says for a moment that it is on, above the page and in nobody's way. The region is there before it says something. */
export function BiometricEnrollmentSuccessBanner({ shown, onGone }: BiometricEnrollmentSuccessBannerProps) {
  useEffect(() => {
    if (!shown) return
    const timer = setTimeout(onGone, shownMilliseconds)
    return () => clearTimeout(timer)
  }, [shown, onGone])

  return (
    <div className="banner-place" role="status">
      {shown && (
        <p className="banner">
          <CheckmarkCircleFillIcon aria-hidden className="banner-icon" />
          {m.bio_enrolled()}
        </p>
      )}
    </div>
  )
}
