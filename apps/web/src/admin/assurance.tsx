import { Heading, Radio } from '@digdir/designsystemet-react'
import type { Assurance as Level, LoginSettings } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useChangeSettings } from '../queries/administration.ts'
import { SettingsForm } from './settings-form.tsx'

const levels: readonly { level: Level; label: () => string; help: () => string }[] = [
  { level: 'low', label: m.assurance_low, help: m.assurance_low_help },
  { level: 'substantial', label: m.assurance_substantial, help: m.assurance_substantial_help },
  { level: 'high', label: m.assurance_high, help: m.assurance_high_help },
]

/** How certain a login must be of who it is. */
export function Assurance({ settings }: { settings: LoginSettings }) {
  const { administration } = useNokkel()
  const [chosen, setChosen] = useState(settings.minimumAssurance)
  const save = useChangeSettings((level: Level) => administration.setMinimumAssurance(level))

  return (
    <section className="stack" aria-labelledby="assurance">
      <Heading id="assurance" level={2} data-size="xs">
        {m.assurance_title()}
      </Heading>
      <SettingsForm saving={save} label={m.admin_save_assurance()} onSave={() => save.mutate(chosen)}>
        <fieldset className="choices">
          <legend className="ds-label">{m.assurance_legend()}</legend>
          {levels.map(({ level, label, help }) => (
            <Radio
              key={level}
              name="assurance"
              value={level}
              label={label()}
              description={help()}
              checked={chosen === level}
              onChange={() => {
                setChosen(level)
                save.reset()
              }}
            />
          ))}
        </fieldset>
      </SettingsForm>
    </section>
  )
}
