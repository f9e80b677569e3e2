import { Button, Details, Heading, Tag } from '@digdir/designsystemet-react'
import { LaptopIcon } from '@navikt/aksel-icons'
import type { DeviceView } from '@nokkel/client'
import { useId, useState } from 'react'
import { Fingerprint } from '../components/fingerprint.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { EndDeviceDialog } from './end-device-dialog.tsx'

const stateName: Record<DeviceView['state'], () => string> = {
  active: m.device_active,
  superseded: m.device_superseded,
  revoked: m.device_revoked,
}

export function DeviceCard({ device, level }: { device: DeviceView; level: 2 | 3 }) {
  const name = useId()
  const [ending, setEnding] = useState(false)
  const active = device.state === 'active'
  const fingerprint = <Fingerprint value={device.fingerprint} />

  return (
    <section className={active ? 'device' : 'device device-ended'} aria-labelledby={name}>
      <LaptopIcon aria-hidden className="row-icon" />
      <div className="device-text">
        <div className="device-name">
          <Heading id={name} level={level} data-size="2xs">
            {device.name}
          </Heading>
          {device.current && <Tag data-color="accent">{m.device_this()}</Tag>}
          <Tag data-color={active ? 'success' : 'neutral'}>{stateName[device.state]()}</Tag>
        </div>
        <p className="row-meta">
          <When text={(when) => m.device_registered({ when })} at={device.registeredAt} />
          {active
            ? device.lastSeenAt && <When text={(when) => m.device_last_seen({ when })} at={device.lastSeenAt} />
            : device.endedAt && <When text={(when) => m.device_ended({ when })} at={device.endedAt} />}
        </p>
        {device.current ? (
          fingerprint
        ) : (
          <Details data-size="sm" className="disclosure">
            <Details.Summary>{m.device_fingerprint_show()}</Details.Summary>
            <Details.Content>{fingerprint}</Details.Content>
          </Details>
        )}
      </div>
      {active && (
        <Button
          variant="secondary"
          data-color="danger"
          aria-label={m.device_end_named({ name: device.name })}
          onClick={() => setEnding(true)}
        >
          {m.device_end()}
        </Button>
      )}
      {ending && <EndDeviceDialog device={device} onClose={() => setEnding(false)} />}
    </section>
  )
}
