import { useNokkel } from '@nokkel/client/react'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'
import { EndMembershipDialog } from './end-membership-dialog.tsx'

interface RemoveDialogProps {
  companyId: string
  member: { readonly id: string; readonly name: string }
  onClose: () => void
}

export function RemoveDialog({ companyId, member: { id, name }, onClose }: RemoveDialogProps) {
  const { companies } = useNokkel()
  const refresh = useRefreshCompanies()
  return (
    <EndMembershipDialog
      title={m.company_remove_title({ name })}
      body={m.company_remove_body({ name })}
      confirm={m.company_remove_confirm()}
      working={m.company_removing()}
      end={() => companies.remove(companyId, id)}
      onEnded={async () => {
        await refresh()
        onClose()
      }}
      onClose={onClose}
    />
  )
}
