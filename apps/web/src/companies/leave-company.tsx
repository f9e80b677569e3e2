import { Button } from '@digdir/designsystemet-react'
import { LeaveIcon } from '@navikt/aksel-icons'
import type { CompanyDetails } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'
import { EndMembershipDialog } from './end-membership-dialog.tsx'

export function LeaveCompany({ company: { id, name } }: { company: CompanyDetails }) {
  const { companies } = useNokkel()
  const navigate = useNavigate()
  const refresh = useRefreshCompanies()
  const [leaving, setLeaving] = useState(false)

  return (
    <div className="actions">
      <Button variant="secondary" data-color="danger" onClick={() => setLeaving(true)}>
        <LeaveIcon aria-hidden />
        {m.company_leave()}
      </Button>
      {leaving && (
        <EndMembershipDialog
          title={m.company_leave_title({ name })}
          body={m.company_leave_body()}
          confirm={m.company_leave_confirm()}
          working={m.company_leaving()}
          end={() => companies.leave(id)}
          onEnded={async () => {
            await navigate({ to: '/companies' })
            await refresh()
          }}
          onClose={() => setLeaving(false)}
        />
      )}
    </div>
  )
}
