import { Button, Paragraph } from '@digdir/designsystemet-react'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useProject } from './project.ts'
import { useWork } from './use-work.ts'

/** After the chain of keys broke: a person says that the new one is right. */
export function TrustKeys() {
  const { rfx } = useProject()
  const trust = useWork(() => rfx.trustKeys())
  if (trust.state === 'done') return <Paragraph role="status">{m.check_trusted()}</Paragraph>
  return (
    <div className="stack">
      <Paragraph>{m.check_trust_body()}</Paragraph>
      <div className="actions">
        <Button variant="secondary" loading={trust.state === 'running'} onClick={() => trust.start()}>
          {m.check_trust()}
        </Button>
      </div>
      {trust.state === 'failed' && <Problem code={trust.code} />}
    </div>
  )
}
