import { Alert, Heading, Paragraph, Textfield } from '@digdir/designsystemet-react'
import type { LoginSettings, VippsCost } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useState } from 'react'
import { formatNumber, parseNumber } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { useChangeSettings } from '../queries/administration.ts'
import { SettingsForm } from './settings-form.tsx'

/** What a login with Vipps costs, who pays, and how many there may be. */
export function Cost({ settings }: { settings: LoginSettings }) {
  const { administration } = useNokkel()
  const { cost } = settings
  const [centre, setCentre] = useState(cost?.costCentre ?? '')
  const [price, setPrice] = useState(() => (cost?.pricePerLoginOre == null ? '' : inKroner(cost.pricePerLoginOre)))
  const [cap, setCap] = useState(() => (cost?.monthlyCap == null ? '' : formatNumber(String(cost.monthlyCap))))
  const [checked, setChecked] = useState(false)
  const save = useChangeSettings((input: VippsCost) => administration.setVippsCost(input))
  const ore = price.trim() === '' ? null : parseOre(price)
  const logins = cap.trim() === '' ? null : parseWhole(cap, 10_000_000)
  const closesTheOnlyWay = logins != null && isOnlyWay(settings)
  const changed = (set: (text: string) => void) => (text: string) => {
    set(text)
    save.reset()
  }

  return (
    <section className="stack" aria-labelledby="cost">
      <div className="stack-tight">
        <Heading id="cost" level={2} data-size="xs">
          {m.cost_title()}
        </Heading>
        <Paragraph>{m.cost_lead()}</Paragraph>
      </div>
      <SettingsForm
        saving={save}
        label={m.admin_save_cost()}
        isReady={() => {
          setChecked(true)
          return ore !== undefined && logins !== undefined
        }}
        onSave={() =>
          save.mutate({
            costCentre: centre.trim() || null,
            pricePerLoginOre: ore ?? null,
            monthlyCap: logins ?? null,
          })
        }
      >
        <Textfield
          label={m.cost_centre()}
          value={centre}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => changed(setCentre)(event.target.value)}
        />
        <Textfield
          label={m.cost_price()}
          value={price}
          inputMode="decimal"
          autoComplete="off"
          error={checked && ore === undefined ? m.cost_price_wrong() : undefined}
          onChange={(event) => changed(setPrice)(event.target.value)}
        />
        <Textfield
          label={m.cost_cap()}
          description={m.cost_cap_help()}
          value={cap}
          inputMode="numeric"
          autoComplete="off"
          error={checked && logins === undefined ? m.cost_cap_wrong() : undefined}
          onChange={(event) => changed(setCap)(event.target.value)}
        />
        <div role="status">
          {closesTheOnlyWay && (
            <Alert data-color="warning" className="notice">
              <Paragraph>{m.cost_cap_alone()}</Paragraph>
            </Alert>
          )}
        </div>
      </SettingsForm>
    </section>
  )
}

const isOnlyWay = ({ bankid, warnings }: LoginSettings): boolean =>
  bankid === null && !warnings.includes('vipps_unconfigured') && !warnings.includes('vipps_disabled')

const inKroner = (ore: number): string => formatNumber((ore / 100).toFixed(2))

/** Whole øre of an amount in kroner. `undefined` when it is none, or more than ten thousand kroner. */
function parseOre(text: string): number | undefined {
  const digits = parseNumber(text, 2)
  if (digits === null) return undefined
  const ore = Math.round(Number(digits) * 100)
  return ore <= 1_000_000 ? ore : undefined
}

function parseWhole(text: string, maximum: number): number | undefined {
  const digits = parseNumber(text, 0)
  if (digits === null || digits.includes('.')) return undefined
  return Number(digits) <= maximum ? Number(digits) : undefined
}
