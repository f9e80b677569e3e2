import { Button, Checkbox, Heading, Paragraph } from '@digdir/designsystemet-react'
import { PersonPlusIcon } from '@navikt/aksel-icons'
import { useNokkel } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { InvitationLink } from './invitation-link.tsx'

/** Makes a link that lets one colleague in. */
export function Invite({ companyId, organization }: { companyId: string; organization: string }) {
  const { companies } = useNokkel()
  const [administers, setAdministers] = useState(false)
  const invite = useMutation({
    mutationFn: () => companies.invite(companyId, { role: administers ? 'administrator' : 'member' }),
    // A code is a secret: it goes with the page.
    gcTime: 0,
  })

  return (
    <section className="stack" aria-labelledby="invite">
      <Heading id="invite" level={2} data-size="xs">
        {m.invite_title()}
      </Heading>
      <Paragraph>{m.invite_body({ organization })}</Paragraph>
      <Checkbox
        value="administrator"
        label={m.invite_administrator()}
        checked={administers}
        onChange={(event) => setAdministers(event.target.checked)}
      />
      <div className="actions">
        <Button variant="secondary" loading={invite.isPending} onClick={() => invite.mutate()}>
          {!invite.isPending && <PersonPlusIcon aria-hidden />}
          {invite.isPending ? m.invite_making() : m.invite_make()}
        </Button>
      </div>
      {invite.isError && <Problem code={codeOf(invite.error)} />}
      {invite.data && <InvitationLink key={invite.data.code} invitation={invite.data} />}
    </section>
  )
}
