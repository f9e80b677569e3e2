import { Button, Dialog, Heading, Paragraph, Textfield } from '@digdir/designsystemet-react'
import { useNokkel } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useId, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'

/** Registers a company and goes to it. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { companies } = useNokkel()
  const refresh = useRefreshCompanies()
  const navigate = useNavigate()
  const [title, form] = [useId(), useId()]
  const [name, setName] = useState('')
  const [number, setNumber] = useState('')
  const [checked, setChecked] = useState(false)
  const digits = number.replace(/\s/g, '')
  const nameMissing = name.trim() === ''
  const numberWrong = digits !== '' && !/^[89]\d{8}$/.test(digits)
  const create = useMutation({
    mutationFn: () => companies.create({ name: name.trim(), ...(digits && { organizationNumber: digits }) }),
    onSuccess: async ({ id }) => {
      await refresh()
      await navigate({ to: '/companies/$id', params: { id } })
    },
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    if (!nameMissing && !numberWrong) create.mutate()
  }

  return (
    <Dialog open closeButton={false} aria-labelledby={title} onClose={onClose}>
      <Dialog.Block>
        <Heading id={title} level={2} data-size="xs">
          {m.company_create()}
        </Heading>
      </Dialog.Block>
      <Dialog.Block>
        <form id={form} className="stack" noValidate onSubmit={submit}>
          <Paragraph>{m.company_create_body()}</Paragraph>
          <Textfield
            label={m.company_name()}
            value={name}
            maxLength={200}
            autoComplete="organization"
            error={checked && nameMissing ? m.company_name_missing() : undefined}
            onChange={(event) => setName(event.target.value)}
          />
          <Textfield
            label={m.company_number_label()}
            description={m.company_number_help()}
            value={number}
            inputMode="numeric"
            maxLength={11}
            autoComplete="off"
            error={checked && numberWrong ? m.company_number_wrong() : undefined}
            onChange={(event) => setNumber(event.target.value)}
          />
          {create.isError && <Problem code={codeOf(create.error)} />}
        </form>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button type="submit" form={form} loading={create.isPending}>
          {create.isPending ? m.company_creating() : m.company_create()}
        </Button>
        <Button variant="secondary" disabled={create.isPending} onClick={onClose}>
          {m.cancel()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}
