import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import type { Me } from '@nokkel/client'
import { useDeviceKeys, useNokkel } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { codeOf, type ErrorCode, explain } from '../components/explain.ts'
import { LogInAgain } from '../login/log-in-again.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshBiometrics } from '../queries/biometrics.ts'
import { useArrival } from './arrival.ts'
import { BiometricEnrollmentSuccessBanner } from './enrollment-banner.tsx'
import { BiometricEnrollmentPrompt } from './enrollment-prompt.tsx'

type Phase =
  | { readonly name: 'idle' | 'asking' | 'enrolling' | 'enrolled' }
  | { readonly name: 'failed'; readonly code: ErrorCode | undefined }

const idle: Phase = { name: 'idle' }

interface EnrollmentProps {
  me: Me
  /** Whether something else is to be asked first. */
  waits: boolean
  /** Told whether the question stands, so that nothing else is asked at the same time. */
  onAsking: (asking: boolean) => void
}

/** The way on from a login: the question whether this device may be unlocked from now on, where it can be asked. */
export function Enrollment({ me, waits, onAsking }: EnrollmentProps) {
  const { biometrics } = useNokkel()
  const { status } = useSyncExternalStore(biometrics.subscribe, biometrics.getSnapshot)
  const refresh = useRefreshBiometrics()
  const keys = useDeviceKeys().state.status
  const [arrived, proceed] = useArrival()
  const [phase, setPhase] = useState<Phase>(idle)
  const asking = phase.name === 'asking'
  // Nobody has to say yes before the keys are there, but without a device there is nothing to turn on.
  const possible = keys === 'generating' || keys === 'registering' || keys === 'ready'

  useEffect(() => {
    let stopped = false
    if (!arrived || waits || !possible) return
    void biometrics.shouldPrompt(me.id).then(
      (should) => {
        if (stopped) return
        if (should) setPhase((now) => (now === idle ? { name: 'asking' } : now))
        else proceed()
      },
      // What cannot be asked is offered on the account page.
      () => !stopped && proceed(),
    )
    return () => {
      stopped = true
    }
  }, [arrived, waits, possible, biometrics, me.id, proceed])

  useEffect(() => {
    onAsking(asking)
    return () => onAsking(false)
  }, [asking, onAsking])

  useEffect(
    () =>
      biometrics.onEvent(({ type }) => {
        setPhase(type === 'BiometricEnrollmentComplete' ? { name: 'enrolled' } : idle)
        proceed()
        void refresh()
      }),
    [biometrics, proceed, refresh],
  )

  // Another tab has the answer already.
  const answered = asking && (status === 'enrolled' || status === 'declined')
  useEffect(() => {
    if (asking) void biometrics.refresh().catch(() => undefined)
  }, [asking, biometrics])
  useEffect(() => {
    if (!answered) return
    setPhase(idle)
    proceed()
  }, [answered, proceed])

  const enrolling = phase.name === 'enrolling'
  const keysDecided = keys !== 'generating' && keys !== 'registering' && keys !== 'confirm_replace'
  useEffect(() => {
    if (!enrolling || !keysDecided) return
    const settle = (phase: Phase) => {
      setPhase(phase)
      proceed()
    }
    biometrics.enrollBiometrics(me.id).then(
      // Where another tab was quicker, nothing was told.
      ({ status, error }) => settle(status === 'enrolled' ? { name: 'enrolled' } : { name: 'failed', code: error }),
      (error: unknown) => settle({ name: 'failed', code: codeOf(error) }),
    )
  }, [enrolling, keysDecided, biometrics, me.id, proceed])

  function decline() {
    biometrics.declineEnrollment(me.id).catch(() => {
      // It could not be remembered, but it was said.
      setPhase(idle)
      proceed()
    })
  }

  const gone = useCallback(() => setPhase((now) => (now.name === 'enrolled' ? idle : now)), [])
  return (
    <>
      {(asking || (enrolling && keys !== 'confirm_replace')) && (
        <BiometricEnrollmentPrompt
          provider={me.session.provider}
          enrolling={enrolling}
          onConfirm={() => setPhase({ name: 'enrolling' })}
          onDecline={decline}
        />
      )}
      {phase.name === 'failed' && <Failed code={phase.code} onClose={() => setPhase(idle)} />}
      <BiometricEnrollmentSuccessBanner shown={phase.name === 'enrolled'} onGone={gone} />
    </>
  )
}

/** It did not work, and nothing is lost: why, and where it can be tried again. */
function Failed({ code, onClose }: { code: ErrorCode | undefined; onClose: () => void }) {
  return (
    <div className="page page-notice">
      <Alert data-color="warning" role="alert" className="notice">
        <Heading level={2} data-size="2xs">
          {m.bio_failed_title()}
        </Heading>
        <div className="notice-body">
          <Paragraph>{code === 'login_too_old' ? m.bio_failed_too_old() : explain(code)}</Paragraph>
          <Paragraph>{m.bio_failed_body()}</Paragraph>
          <div className="actions">
            {code === 'login_too_old' && <LogInAgain />}
            <Link to="/account" className="ds-link back">
              {m.bio_failed_account()}
            </Link>
            <Button variant="tertiary" onClick={onClose}>
              {m.close()}
            </Button>
          </div>
          {code && <Paragraph className="code">{m.error_code({ code })}</Paragraph>}
        </div>
      </Alert>
    </div>
  )
}
