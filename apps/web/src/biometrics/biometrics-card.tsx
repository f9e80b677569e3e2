import { Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { type BiometricEnrollment, type Me, NokkelError } from '@nokkel/client'
import { useDeviceKeys, useNokkel } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import { useDeviceBiometrics, useRefreshBiometrics } from '../queries/biometrics.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'

/** How this device is unlocked, and turning that on, off and on anew. */
export function BiometricsCard({ me }: { me: Me }) {
  const { biometrics } = useNokkel()
  const keys = useDeviceKeys().state.status
  const query = useDeviceBiometrics(me)
  const refresh = useRefreshBiometrics()
  const { tooOld, freshly, isTooOld } = useFreshLogin()
  const [dialog, setDialog] = useState<'off' | 'renew'>()
  const [done, setDone] = useState('')
  const turnOn = useMutation({
    mutationFn: () => enroll(),
    onError: isTooOld,
    onSettled: refresh,
  })
  const { isAvailable, enrollment } = query.data ?? {}

  async function enroll(options?: { renew: true }) {
    const { status, error } = await biometrics.enrollBiometrics(me.id, options)
    if (status === 'enrollmentError') throw new NokkelError(error ?? 'answer_unexpected')
  }

  async function settle(work: Promise<unknown>, said: string) {
    try {
      await work
      setDone(said)
    } catch (error) {
      if (!isTooOld(error)) throw error
    }
  }

  return (
    <section className="stack" aria-labelledby="biometrics">
      <div className="stack-tight">
        <div className="device-name">
          <Heading id="biometrics" level={2} data-size="xs">
            {m.bio_title()}
          </Heading>
          {query.data && (
            <Tag data-color={enrollment ? 'success' : 'neutral'}>{enrollment ? m.bio_on() : m.bio_off()}</Tag>
          )}
        </div>
        <Paragraph>{m.bio_lead()}</Paragraph>
      </div>
      {query.isPending && <Waiting reason={m.bio_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {enrollment && <Known enrollment={enrollment} />}
      {query.data && !enrollment && !isAvailable && <Paragraph>{m.bio_unavailable()}</Paragraph>}
      {query.data && !enrollment && isAvailable && keys !== 'ready' && <Paragraph>{m.bio_needs_keys()}</Paragraph>}
      {tooOld && <FreshLoginNeeded why={m.bio_too_old()} />}
      {turnOn.isError && codeOf(turnOn.error) !== 'login_too_old' && (
        <Problem code={codeOf(turnOn.error)} title={m.bio_failed_title()} />
      )}
      {query.data && (
        <div className="actions">
          {!enrollment && isAvailable && keys === 'ready' && (
            <Button variant="secondary" loading={turnOn.isPending} onClick={() => freshly(() => turnOn.mutate())}>
              {turnOn.isPending ? m.bio_enrolling() : m.bio_turn_on()}
            </Button>
          )}
          {enrollment?.credential && isAvailable && (
            <Button variant="secondary" onClick={() => freshly(() => setDialog('renew'))}>
              {m.bio_renew()}
            </Button>
          )}
          {enrollment && (
            <Button variant="secondary" data-color="danger" onClick={() => setDialog('off')}>
              {m.bio_turn_off()}
            </Button>
          )}
        </div>
      )}
      {dialog === 'off' && (
        <WorkDialog
          title={m.bio_turn_off_title()}
          intro={m.bio_turn_off_body()}
          confirm={m.bio_turn_off_confirm()}
          working={m.bio_turning_off()}
          danger
          run={() => settle(biometrics.removeBiometrics(), `${m.bio_removed()} ${m.bio_passkey_left()}`)}
          onSettled={refresh}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'renew' && (
        <WorkDialog
          title={m.bio_renew_title()}
          intro={m.bio_renew_body()}
          confirm={m.bio_renew_confirm()}
          working={m.bio_renewing()}
          run={() => settle(enroll({ renew: true }), m.bio_renewed())}
          onSettled={refresh}
          onClose={() => setDialog(undefined)}
        />
      )}
      <p className={done ? 'row-note' : 'ds-sr-only'} role="status">
        {done}
      </p>
    </section>
  )
}

/** What the server knows of it. */
function Known({ enrollment: { enrolledAt, credential } }: { enrollment: BiometricEnrollment }) {
  return (
    <div className="stack-tight">
      <p className="row-meta">
        <When at={enrolledAt} text={(when) => m.bio_on_since({ when })} />
        {credential && <When at={credential.createdAt} text={(when) => m.bio_created({ when })} />}
        {credential?.lastUsedAt && <When at={credential.lastUsedAt} text={(when) => m.bio_last_used({ when })} />}
      </p>
      <p className="row-note">
        {credential ? (credential.backedUp ? m.bio_backed_up() : m.bio_device_bound()) : m.bio_not_used()}
      </p>
    </div>
  )
}
