import { Button, Heading } from '@digdir/designsystemet-react'
import { PersonIcon } from '@navikt/aksel-icons'
import type { Person } from '@nokkel/client'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { DistributionDone } from './distribution-done.tsx'
import { useProject } from './project.ts'
import { WorkDialog } from './work-dialog.tsx'

/** Who is kept out, and letting them back in. */
export function Excluded() {
  const { rfx, details } = useProject()
  const refresh = useRefreshRfx(rfx)
  const [readmitted, setReadmitted] = useState<Person>()
  const { excluded, role, status } = details
  if (excluded.length === 0 && !readmitted) return null
  return (
    <section className="stack" aria-labelledby="excluded">
      <Heading id="excluded" level={2} data-size="2xs">
        {m.excluded_title()}
      </Heading>
      <ul className="rows">
        {excluded.map(({ id, name }) => (
          <li key={id} className="row row-person">
            <PersonIcon aria-hidden className="row-icon" />
            <div className="row-text">
              <span className="row-title">{name}</span>
              <span className="row-note">{m.excluded_note()}</span>
            </div>
            {role === 'buyer' && status !== 'closed' && (
              <div className="row-actions">
                <Button
                  variant="secondary"
                  data-size="sm"
                  aria-label={m.readmit_named({ name })}
                  onClick={() => setReadmitted({ id, name })}
                >
                  {m.readmit()}
                </Button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {readmitted && (
        <WorkDialog
          title={m.readmit_title({ name: readmitted.name })}
          doneTitle={m.readmit_done({ name: readmitted.name })}
          points={[m.readmit_reads({ name: readmitted.name }), m.readmit_key()]}
          confirm={m.readmit()}
          working={m.rfx_handing_over()}
          stoppable
          run={(options) => rfx.readmit(readmitted.id, options)}
          onSettled={refresh}
          done={(result) => <DistributionDone result={result} />}
          onClose={() => setReadmitted(undefined)}
        />
      )}
    </section>
  )
}
