import { Button } from '@digdir/designsystemet-react'
import type { FormEvent, ReactNode } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'

interface SettingsFormProps {
  /** What saves, and how that went. */
  saving: { isPending: boolean; isSuccess: boolean; isError: boolean; error: unknown }
  /** What the button says: what it saves. */
  label: string
  /** Told instead of "Saved". */
  saved?: string
  /** Says what is missing and refuses to save. Default: nothing is. */
  isReady?: () => boolean
  onSave: () => void
  children: ReactNode
}

/** A few settings that are saved together. */
export function SettingsForm({ saving, label, saved, isReady = () => true, onSave, children }: SettingsFormProps) {
  function submit(event: FormEvent) {
    event.preventDefault()
    if (!saving.isPending && isReady()) onSave()
  }
  const code: ErrorCode | undefined = codeOf(saving.error)

  return (
    <form className="stack" noValidate onSubmit={submit}>
      {children}
      {saving.isError && <Problem code={code} />}
      <div className="form-bar">
        <Button type="submit" loading={saving.isPending}>
          {saving.isPending ? m.admin_saving() : label}
        </Button>
        <span role="status">{saving.isSuccess && (saved ?? m.admin_saved())}</span>
      </div>
    </form>
  )
}
