import { Label, Paragraph, Select, Textfield } from '@digdir/designsystemet-react'
import type { CompanyView } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshProjects } from '../queries/rfx.ts'
import { WorkDialog } from './work-dialog.tsx'

/** Makes a project of one of the person's companies, and goes to it. */
export function CreateProject({ companies, onClose }: { companies: readonly CompanyView[]; onClose: () => void }) {
  const { rfx } = useNokkel()
  const refresh = useRefreshProjects()
  const navigate = useNavigate()
  const select = useId()
  const [title, setTitle] = useState('')
  const [companyId, setCompanyId] = useState(companies[0]?.id ?? '')
  const [checked, setChecked] = useState(false)
  const missing = title.trim() === ''
  const [only] = companies.length === 1 ? companies : []

  return (
    <WorkDialog
      title={m.rfx_create()}
      intro={m.rfx_create_body()}
      confirm={m.rfx_create()}
      working={m.rfx_creating()}
      isReady={() => {
        setChecked(true)
        return !missing
      }}
      run={async () => {
        const created = await rfx.create({ title: title.trim(), companyId })
        await refresh()
        await navigate({ to: '/rfx/$id', params: { id: created.id } })
      }}
      onClose={onClose}
    >
      <Textfield
        label={m.rfx_title()}
        description={m.rfx_title_help()}
        value={title}
        maxLength={200}
        autoComplete="off"
        error={checked && missing ? m.rfx_title_missing() : undefined}
        onChange={(event) => setTitle(event.target.value)}
      />
      {only ? (
        <Paragraph>{m.rfx_create_for({ company: only.name })}</Paragraph>
      ) : (
        <div className="field">
          <Label htmlFor={select}>{m.rfx_company()}</Label>
          <Select id={select} value={companyId} onChange={(event) => setCompanyId(event.target.value)}>
            {companies.map(({ id, name }) => (
              <Select.Option key={id} value={id}>
                {name}
              </Select.Option>
            ))}
          </Select>
        </div>
      )}
    </WorkDialog>
  )
}
