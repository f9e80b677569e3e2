import { Button, Paragraph, Textfield } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { forgetInvitation, parseInvitation, pendingInvitation } from '../invitation.ts'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'
import { useLocale } from '../settings/locale.ts'

/** Takes up an invitation: from the link the person came by, or from what they paste. */
export function JoinPage() {
  useLocale()
  const { companies } = useNokkel()
  const { me } = useSession().state
  const navigate = useNavigate()
  const refresh = useRefreshCompanies()
  const [invitation] = useState(pendingInvitation)
  const [text, setText] = useState('')
  const [checked, setChecked] = useState(false)
  const code = invitation ?? parseInvitation(text)
  const join = useMutation({
    mutationFn: (given: string) => companies.join(given),
    onSuccess: async ({ id }) => {
      forgetInvitation()
      await refresh()
      await navigate({ to: '/companies/$id', params: { id }, replace: true })
    },
    onError: (error) => {
      if (codeOf(error) === 'invitation_unknown') forgetInvitation()
    },
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    if (code) join.mutate(code)
  }

  return (
    <form className="page page-narrow" noValidate onSubmit={submit}>
      <div className="stack-tight">
        <PageHeading>{m.join_title()}</PageHeading>
        <Paragraph>{invitation ? m.join_body() : m.join_without()}</Paragraph>
        {invitation && me && <Paragraph>{m.join_who({ name: me.name })}</Paragraph>}
      </div>
      {!invitation && (
        <Textfield
          label={m.join_code()}
          value={text}
          autoComplete="off"
          error={checked && !code ? m.join_code_wrong() : undefined}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {join.isError && <Problem code={codeOf(join.error)} />}
      <div className="actions">
        <Button type="submit" loading={join.isPending}>
          {join.isPending ? m.join_working() : m.join_confirm()}
        </Button>
      </div>
    </form>
  )
}
