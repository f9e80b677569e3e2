import { Checkbox, Chip, Fieldset, Paragraph, Tag, Textfield, ValidationMessage } from '@digdir/designsystemet-react'
import type { Member } from '@nokkel/client'
import { useNokkel, useSession } from '@nokkel/client/react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'

export type Recipient = Pick<Member, 'id' | 'name'>

interface RecipientPickerProps {
  chosen: readonly Recipient[]
  onChange: (chosen: readonly Recipient[]) => void
  error: string | undefined
}

/** Members to send to, with who has keys. Only those with keys can be chosen: there is nothing to lock for the others. */
export function RecipientPicker({ chosen, onChange, error }: RecipientPickerProps) {
  const { members } = useNokkel()
  const { state } = useSession()
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim())
  const query = useQuery({
    queryKey: ['members', search],
    queryFn: () => members.list({ search, limit: 50 }),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  })
  const listed = readyFirst(query.data?.items.filter(({ id }) => id !== state.me?.id) ?? [])
  const isChosen = (id: string) => chosen.some((recipient) => recipient.id === id)
  const remove = (id: string) => onChange(chosen.filter((recipient) => recipient.id !== id))

  return (
    <Fieldset className="recipients">
      <Fieldset.Legend>{m.send_recipients()}</Fieldset.Legend>
      {chosen.length > 0 && (
        <div className="chips">
          {chosen.map(({ id, name }) => (
            <Chip.Removable key={id} aria-label={m.send_remove_recipient({ name })} onClick={() => remove(id)}>
              {name}
            </Chip.Removable>
          ))}
        </div>
      )}
      <p className="ds-sr-only" role="status">
        {chosen.length > 0 && m.send_chosen({ count: chosen.length })}
      </p>
      <Textfield
        type="search"
        label={m.send_search()}
        value={text}
        aria-invalid={error ? true : undefined}
        onChange={(event) => setText(event.target.value)}
        // Enter in the search must not send the form.
        onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
      />
      {query.isPending && <Waiting reason={m.send_members_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && listed.length === 0 && (
        <Paragraph role="status">{search ? m.send_members_none({ search }) : m.send_members_empty()}</Paragraph>
      )}
      {listed.length > 0 && (
        <div className="members">
          {listed.map((member) => (
            <MemberRow
              key={member.id}
              member={member}
              checked={isChosen(member.id)}
              onChange={(checked) =>
                checked ? onChange([...chosen, { id: member.id, name: member.name }]) : remove(member.id)
              }
            />
          ))}
        </div>
      )}
      {query.data?.nextCursor && <Paragraph data-size="sm">{m.send_members_more()}</Paragraph>}
      {error && <ValidationMessage>{error}</ValidationMessage>}
    </Fieldset>
  )
}

const hasKeys = (member: Member) => member.devices.length > 0

const readyFirst = (members: readonly Member[]) => members.toSorted((a, b) => Number(hasKeys(b)) - Number(hasKeys(a)))

interface MemberRowProps {
  member: Member
  checked: boolean
  onChange: (checked: boolean) => void
}

function MemberRow({ member, checked, onChange }: MemberRowProps) {
  const ready = hasKeys(member)
  return (
    <div className={ready ? 'member' : 'member member-waiting'}>
      <Checkbox
        value={member.id}
        label={member.name}
        checked={checked}
        disabled={!ready && !checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <Tag data-color={ready ? 'success' : 'neutral'} data-size="sm" title={ready ? undefined : m.member_no_keys_why()}>
        {ready ? m.member_ready() : m.member_no_keys()}
      </Tag>
    </div>
  )
}
