import { Checkbox, Textfield } from '@digdir/designsystemet-react'
import { useNokkel } from '@nokkel/client/react'
import { useRef, useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshPersonalData } from '../queries/identity.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { PersonnummerTerms, personnummerConsent } from './personnummer-terms.tsx'
import { explainFault, personnummerOf } from './wrong-personnummer.ts'

interface TypePersonnummerDialogProps {
  userId: string
  onSaved: () => void
  onClose: () => void
}

/** Takes a number that the person types. The field alone holds it: React would write it into the document. */
export function TypePersonnummerDialog({ userId, onSaved, onClose }: TypePersonnummerDialogProps) {
  const { identity } = useNokkel()
  const field = useRef<HTMLInputElement>(null)
  const [agreed, setAgreed] = useState(false)
  const [checked, setChecked] = useState(false)
  const [wrong, setWrong] = useState<string>()
  const typed = () => personnummerOf(field.current?.value ?? '')

  async function isRight() {
    const personnummer = typed()
    // Where that fails, keeping it fails too, and says why.
    const fault = await identity.checkPersonnummer(personnummer).catch(() => null)
    // It may have been mended meanwhile.
    if (personnummer === typed()) setWrong(fault ? explainFault(fault, personnummer) : undefined)
    return fault === null
  }

  async function isReady() {
    setChecked(true)
    const right = await isRight()
    if (!right) field.current?.focus()
    return right && agreed
  }

  return (
    <WorkDialog
      title={m.pnr_type_title()}
      intro={m.pnr_type_intro()}
      confirm={m.pnr_type_confirm()}
      working={m.pnr_saving()}
      isReady={isReady}
      run={async () => {
        await identity.storePersonnummer(userId, typed(), personnummerConsent)
        if (field.current) field.current.value = ''
        onSaved()
      }}
      onSettled={useRefreshPersonalData()}
      onClose={onClose}
    >
      <Textfield
        ref={field}
        label={m.pnr_type_label()}
        description={m.pnr_type_help()}
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        error={wrong}
        onChange={() => checked && void isRight()}
      />
      <PersonnummerTerms />
      <Checkbox
        value="agreed"
        variant="outline"
        label={m.pnr_type_agree()}
        checked={agreed}
        error={checked && !agreed ? m.pnr_type_agree_missing() : undefined}
        onChange={(event) => setAgreed(event.target.checked)}
      />
    </WorkDialog>
  )
}
