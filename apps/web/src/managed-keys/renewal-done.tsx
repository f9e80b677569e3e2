import { Alert, Button, Dialog, Heading, List, Paragraph } from '@digdir/designsystemet-react'
import type { UnmovedWrap } from '@nokkel/client'
import * as m from '../paraglide/messages.js'
import type { Renewed } from './use-renewal.ts'

export function RenewalDone({ result, onClose }: { result: Renewed; onClose: () => void }) {
  const { moved, failed, compromisedVersions = 0 } = result
  return (
    <>
      <Dialog.Block className="stack">
        <Paragraph role="status">
          {moved > 0 ? m.moved_count({ count: moved }) : failed.length === 0 && m.moved_none()}
        </Paragraph>
        {compromisedVersions > 0 && <Paragraph>{m.moved_marked({ count: compromisedVersions })}</Paragraph>}
        {failed.length > 0 && <Unmoved failed={failed} />}
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button onClick={onClose}>{m.close()}</Button>
      </Dialog.Block>
    </>
  )
}

/** What did not open with the old key, and what a person can do about it. */
export function Unmoved({ failed }: { failed: readonly UnmovedWrap[] }) {
  return (
    <Alert data-color="warning" className="notice">
      <Heading level={3} data-size="2xs">
        {m.unmoved_title({ count: failed.length })}
      </Heading>
      <div className="notice-body">
        <Paragraph>{m.unmoved_body()}</Paragraph>
        <List.Unordered>
          {failed.map(({ rfxId, version }) => (
            <List.Item key={`${rfxId} ${version}`} title={rfxId}>
              {m.unmoved_item({ id: rfxId.slice(0, 8), version })}
            </List.Item>
          ))}
        </List.Unordered>
      </div>
    </Alert>
  )
}
