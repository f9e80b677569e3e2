import { Button, Dialog, Paragraph } from '@digdir/designsystemet-react'
import type { DeviceView } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'

export function EndDeviceDialog({ device, onClose }: { device: DeviceView; onClose: () => void }) {
  const { devices } = useNokkel()
  const queries = useQueryClient()
  const title = useId()
  const end = useMutation({
    mutationFn: () => devices.revoke(device.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['devices'] })
      onClose()
    },
  })

  return (
    <Dialog
      open
      closedby={end.isPending ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      onClose={onClose}
    >
      <Dialog.Block>
        <DialogHeading id={title}>{m.device_end_title({ name: device.name })}</DialogHeading>
      </Dialog.Block>
      <Dialog.Block className="stack">
        <Paragraph>{device.current ? m.device_end_this_body() : m.device_end_body()}</Paragraph>
        {end.isError && <Problem code={codeOf(end.error)} />}
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button data-color="danger" loading={end.isPending} onClick={() => end.mutate()}>
          {end.isPending ? m.device_ending() : m.device_end_confirm()}
        </Button>
        <Button variant="secondary" disabled={end.isPending} onClick={onClose}>
          {m.cancel()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}
