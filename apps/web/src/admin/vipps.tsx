import {
  Button,
  Checkbox,
  Details,
  Field,
  Heading,
  Label,
  Paragraph,
  Radio,
  Select,
  Switch,
  Textfield,
} from '@digdir/designsystemet-react'
import { CheckmarkIcon } from '@navikt/aksel-icons'
import type { LoginSettings, VippsSettings } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useState } from 'react'
import { CopyField } from '../components/copy-field.tsx'
import * as m from '../paraglide/messages.js'
import { useChangeSettings, useVippsCheck } from '../queries/administration.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { SettingsForm } from './settings-form.tsx'

type Draft = Omit<VippsSettings, 'secretSet'>

const empty: Draft = {
  enabled: true,
  environment: 'production',
  clientId: '',
  authentication: 'client_secret_basic',
  merchantSerialNumber: null,
  personnummerApproved: false,
  confirmInApp: false,
  appRedirectUri: null,
  appCallbackUri: null,
  market: null,
}

const markets = [
  ['NO', m.vipps_market_no],
  ['DK', m.vipps_market_dk],
  ['FI', m.vipps_market_fi],
  ['SE', m.vipps_market_se],
] as const

/** How the organisation is a client of Vipps. The secret goes in here and never comes out. */
export function Vipps({ settings }: { settings: LoginSettings }) {
  const { administration } = useNokkel()
  const { vipps } = settings
  const [draft, setDraft] = useState<Draft>(() => {
    const { secretSet: _, ...stored } = { secretSet: false, ...(vipps ?? empty) }
    return stored
  })
  const [secret, setSecret] = useState('')
  const [replacing, setReplacing] = useState(false)
  const [checked, setChecked] = useState(false)
  const [switchingOff, setSwitchingOff] = useState(false)
  const check = useVippsCheck()
  const save = useChangeSettings((input: Draft & { clientSecret?: string }) => administration.setVipps(input))

  // Another client has another secret, and so has the other environment.
  const another = vipps !== null && (vipps.clientId !== draft.clientId || vipps.environment !== draft.environment)
  const asks = !vipps?.secretSet || another || replacing
  const wrong = {
    clientId: !/^[\x21-\x7e]{1,255}$/.test(draft.clientId),
    merchantSerialNumber: draft.merchantSerialNumber !== null && !/^\d{4,10}$/.test(draft.merchantSerialNumber),
    secret: secret === '' && ((vipps?.secretSet && another) || replacing),
  }

  function change(change: Partial<Draft>) {
    setDraft({ ...draft, ...change })
    save.reset()
  }
  async function store() {
    const { vipps: stored } = await save.mutateAsync({ ...draft, ...(asks && secret && { clientSecret: secret }) })
    if (stored?.secretSet) void check.refetch()
    setSecret('')
    setReplacing(false)
    setChecked(false)
  }

  return (
    <section className="stack" aria-labelledby="vipps">
      <div className="stack-tight">
        <Heading id="vipps" level={2} data-size="xs">
          {m.vipps_title()}
        </Heading>
        <Paragraph>{m.vipps_lead()}</Paragraph>
      </div>
      <CopyField
        label={m.vipps_redirect()}
        description={m.vipps_redirect_help()}
        value={settings.vippsRedirectUri}
        copyLabel={m.vipps_redirect_copy()}
      />
      <SettingsForm
        saving={save}
        label={m.admin_save_vipps()}
        {...(!draft.enabled && { saved: m.vipps_saved_off() })}
        isReady={() => {
          setChecked(true)
          return !Object.values(wrong).some(Boolean)
        }}
        onSave={() => {
          if (vipps?.enabled && !draft.enabled) setSwitchingOff(true)
          // Why it failed stands in the form.
          else void store().catch(() => undefined)
        }}
      >
        <Switch
          value="enabled"
          label={m.vipps_enabled()}
          description={m.vipps_enabled_help()}
          checked={draft.enabled}
          onChange={(event) => change({ enabled: event.target.checked })}
        />
        <fieldset className="choices">
          <legend className="ds-label">{m.vipps_environment()}</legend>
          <Radio
            name="environment"
            value="production"
            label={m.vipps_production()}
            checked={draft.environment === 'production'}
            onChange={() => change({ environment: 'production' })}
          />
          <Radio
            name="environment"
            value="test"
            label={m.vipps_test()}
            checked={draft.environment === 'test'}
            onChange={() => change({ environment: 'test' })}
          />
        </fieldset>
        <Textfield
          label={m.vipps_client_id()}
          description={m.vipps_client_id_help()}
          value={draft.clientId}
          maxLength={255}
          autoComplete="off"
          spellCheck={false}
          error={checked && wrong.clientId ? m.vipps_client_id_missing() : undefined}
          onChange={(event) => change({ clientId: event.target.value.trim() })}
        />
        {asks ? (
          <div className="stack-tight">
            <Textfield
              type="password"
              className="field-wide"
              label={m.vipps_secret()}
              description={another && vipps?.secretSet ? m.vipps_secret_new_needed() : m.vipps_secret_help()}
              value={secret}
              maxLength={500}
              autoComplete="off"
              error={checked && wrong.secret ? m.vipps_secret_missing() : undefined}
              onChange={(event) => {
                setSecret(event.target.value)
                save.reset()
              }}
            />
            {replacing && !another && (
              <Button
                variant="tertiary"
                onClick={() => {
                  setReplacing(false)
                  setSecret('')
                }}
              >
                {m.vipps_secret_keep()}
              </Button>
            )}
          </div>
        ) : (
          <div className="secret-set">
            <p className="lock-line">
              <CheckmarkIcon aria-hidden />
              <span>{m.vipps_secret_set()}</span>
            </p>
            <Button variant="secondary" onClick={() => setReplacing(true)}>
              {m.vipps_secret_replace()}
            </Button>
          </div>
        )}
        <Field>
          <Label>{m.vipps_authentication()}</Label>
          <Select
            value={draft.authentication}
            onChange={(event) => change({ authentication: event.target.value as Draft['authentication'] })}
          >
            <Select.Option value="client_secret_basic">{m.vipps_basic()}</Select.Option>
            <Select.Option value="client_secret_post">{m.vipps_post()}</Select.Option>
          </Select>
        </Field>
        <Textfield
          label={m.vipps_msn()}
          description={m.vipps_msn_help()}
          value={draft.merchantSerialNumber ?? ''}
          inputMode="numeric"
          maxLength={10}
          autoComplete="off"
          error={checked && wrong.merchantSerialNumber ? m.vipps_msn_wrong() : undefined}
          onChange={(event) => change({ merchantSerialNumber: event.target.value.trim() || null })}
        />
        <Checkbox
          value="personnummer"
          label={m.vipps_personnummer()}
          description={m.vipps_personnummer_help()}
          checked={draft.personnummerApproved}
          onChange={(event) => change({ personnummerApproved: event.target.checked })}
        />
        <Checkbox
          value="confirm"
          label={m.vipps_confirm()}
          description={m.vipps_confirm_help()}
          checked={draft.confirmInApp}
          onChange={(event) => change({ confirmInApp: event.target.checked })}
        />
        <Details data-size="sm" className="disclosure">
          <Details.Summary>{m.vipps_apps()}</Details.Summary>
          <Details.Content>
            <div className="stack">
              <Textfield
                label={m.vipps_app_redirect()}
                description={m.vipps_app_redirect_help({ path: `/callback/vipps/${settings.organization}` })}
                value={draft.appRedirectUri ?? ''}
                inputMode="url"
                maxLength={500}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => change({ appRedirectUri: event.target.value.trim() || null })}
              />
              <Textfield
                label={m.vipps_app_callback()}
                description={m.vipps_app_callback_help({ path: `/callback/vipps/${settings.organization}` })}
                value={draft.appCallbackUri ?? ''}
                inputMode="url"
                maxLength={500}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => change({ appCallbackUri: event.target.value.trim() || null })}
              />
              <Field>
                <Label>{m.vipps_market()}</Label>
                <Select
                  value={draft.market ?? ''}
                  onChange={(event) => change({ market: (event.target.value || null) as Draft['market'] })}
                >
                  <Select.Option value="">{m.vipps_market_any()}</Select.Option>
                  {markets.map(([market, name]) => (
                    <Select.Option key={market} value={market}>
                      {name()}
                    </Select.Option>
                  ))}
                </Select>
              </Field>
            </div>
          </Details.Content>
        </Details>
      </SettingsForm>
      {switchingOff && (
        <WorkDialog
          title={m.vipps_off_title()}
          points={[settings.bankid ? m.vipps_off_other() : m.vipps_off_none(), m.vipps_off_sessions()]}
          confirm={m.vipps_off_confirm()}
          working={m.admin_saving()}
          danger
          run={store}
          onClose={() => setSwitchingOff(false)}
        />
      )}
    </section>
  )
}
