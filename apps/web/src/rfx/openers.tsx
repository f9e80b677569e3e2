import { Button, Heading, Label, Paragraph, Select } from '@digdir/designsystemet-react'
import { PersonIcon, PersonPlusIcon } from '@navikt/aksel-icons'
import type { Person, RfxRecipient } from '@nokkel/client'
import { useId, useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { OpenersWanted } from './openers-wanted.tsx'
import { useProject } from './project.ts'
import { WorkDialog } from './work-dialog.tsx'

/** Who may open bids after the deadline. */
export function Openers({ buyers }: { buyers: readonly RfxRecipient[] }) {
  const { rfx, details } = useProject()
  const refresh = useRefreshRfx(rfx)
  const [naming, setNaming] = useState(false)
  const [dismissed, setDismissed] = useState<Person>()
  const { openers, mayNameOpeners, status, deadline } = details
  const candidates = buyers.filter(
    ({ owner, ownerId }) => owner === 'user' && !openers.some(({ id }) => id === ownerId),
  )
  const mayChange = mayNameOpeners && status !== 'closed'
  const companyHasKey = buyers.some(({ owner, state }) => owner === 'company' && state !== 'no_key')
  const dependsOnOne =
    (status === 'draft' || status === 'in_review') && deadline !== null && openers.length < 2 && !companyHasKey

  return (
    <section className="stack" aria-labelledby="openers">
      <div className="page-head">
        <Heading id="openers" level={2} data-size="2xs">
          {m.openers_title()}
        </Heading>
        {mayChange && candidates.length > 0 && (
          <Button variant="secondary" data-size="sm" onClick={() => setNaming(true)}>
            <PersonPlusIcon aria-hidden />
            {m.opener_name()}
          </Button>
        )}
      </div>
      <Paragraph>{m.openers_body()}</Paragraph>
      {openers.length === 0 && <Paragraph>{m.openers_none()}</Paragraph>}
      {dependsOnOne && <OpenersWanted />}
      {openers.length > 0 && (
        <ul className="rows">
          {openers.map(({ id, name }) => (
            <li key={id} className="row">
              <PersonIcon aria-hidden className="row-icon" />
              <span className="row-text">
                <span className="row-title">{name}</span>
              </span>
              {mayChange && (
                <Button
                  variant="secondary"
                  data-size="sm"
                  data-color="danger"
                  aria-label={m.opener_dismiss_named({ name })}
                  onClick={() => setDismissed({ id, name })}
                >
                  {m.opener_dismiss()}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {naming && <NameDialog candidates={candidates} onClose={() => setNaming(false)} />}
      {dismissed && (
        <WorkDialog
          title={m.opener_dismiss_title({ name: dismissed.name })}
          points={[m.opener_dismiss_at_once(), m.opener_dismiss_key(), m.opener_dismiss_read()]}
          confirm={m.opener_dismiss_confirm()}
          working={m.opener_dismissing()}
          danger
          stoppable
          run={(options) => rfx.dismissOpener(dismissed.id, options)}
          onSettled={refresh}
          onClose={() => setDismissed(undefined)}
        />
      )}
    </section>
  )
}

function NameDialog({ candidates, onClose }: { candidates: readonly RfxRecipient[]; onClose: () => void }) {
  const { rfx } = useProject()
  const select = useId()
  const [chosen, setChosen] = useState(candidates[0]?.ownerId ?? '')
  return (
    <WorkDialog
      title={m.opener_name()}
      points={[m.opener_name_after(), m.opener_name_recorded(), m.opener_name_two()]}
      confirm={m.opener_name_confirm()}
      working={m.opener_naming()}
      stoppable
      run={(options) => rfx.nameOpener(chosen, options)}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    >
      <div className="field">
        <Label htmlFor={select}>{m.opener_who()}</Label>
        <Select id={select} value={chosen} onChange={(event) => setChosen(event.target.value)}>
          {candidates.map(({ ownerId, name }) => (
            <Select.Option key={ownerId} value={ownerId}>
              {name}
            </Select.Option>
          ))}
        </Select>
      </div>
    </WorkDialog>
  )
}
