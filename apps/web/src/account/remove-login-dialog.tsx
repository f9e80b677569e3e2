import type { LinkedLogin } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import * as m from '../paraglide/messages.js'
import { useRefreshLogins } from '../queries/logins.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { nameOf } from './login-name.ts'

interface RemoveLoginDialogProps {
  login: LinkedLogin
  /** Throws what it does not settle itself. */
  onFailed: (error: unknown) => void
  onRemoved: () => void
  onClose: () => void
}

/** Says what goes with a way in, and removes it. */
export function RemoveLoginDialog({ login, onFailed, onRemoved, onClose }: RemoveLoginDialogProps) {
  const { logins } = useNokkel()
  const refresh = useRefreshLogins()
  const provider = nameOf(login)

  async function remove() {
    try {
      await logins.remove(login.id)
      onRemoved()
    } catch (error) {
      onFailed(error)
    }
  }

  return (
    <WorkDialog
      title={m.logins_remove_title({ provider })}
      points={[m.logins_remove_body({ provider }), m.logins_remove_sessions({ provider }), m.logins_remove_keep()]}
      confirm={m.logins_remove_confirm({ provider })}
      working={m.logins_removing()}
      danger
      run={remove}
      onSettled={refresh}
      onClose={onClose}
    />
  )
}
