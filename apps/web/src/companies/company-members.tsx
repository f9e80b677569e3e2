import { Button, Heading, Tag } from '@digdir/designsystemet-react'
import type { CompanyDetails, CompanyRole } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'
import { RemoveDialog } from './remove-dialog.tsx'
import { roleName } from './role-name.ts'

type CompanyMember = CompanyDetails['members'][number]

/** Who can read what is shared with the company; its administrators decide who that is. */
export function CompanyMembers({ company, myId }: { company: CompanyDetails; myId: string }) {
  const { companies } = useNokkel()
  const refresh = useRefreshCompanies()
  const [removed, setRemoved] = useState<CompanyMember>()
  const change = useMutation({
    mutationFn: ({ id, role }: { id: string; role: CompanyRole }) => companies.changeRole(company.id, id, role),
    onSuccess: refresh,
  })
  const administers = company.role === 'administrator'

  return (
    <section className="stack" aria-labelledby="members">
      <Heading id="members" level={2} data-size="xs">
        {m.company_members()}
      </Heading>
      <ul className="rows">
        {company.members.map((member) => (
          <li key={member.id} className="row row-sent">
            <div className="row-text">
              <span className="device-name">
                <span className="row-title">{member.name}</span>
                {member.id === myId && <Tag data-color="accent">{m.company_member_you()}</Tag>}
                <Tag data-color="neutral">{roleName[member.role]()}</Tag>
              </span>
              <span className="row-meta">
                <When at={member.joinedAt} text={(when) => m.company_joined({ when })} />
              </span>
            </div>
            {administers && member.id !== myId && (
              <MemberActions
                member={member}
                changing={change.isPending && change.variables.id === member.id}
                onChange={(role) => change.mutate({ id: member.id, role })}
                onRemove={() => setRemoved(member)}
              />
            )}
          </li>
        ))}
      </ul>
      {change.isError && <Problem code={codeOf(change.error)} />}
      <p className="ds-sr-only" role="status">
        {change.isSuccess && m.company_role_changed()}
      </p>
      {removed && <RemoveDialog companyId={company.id} member={removed} onClose={() => setRemoved(undefined)} />}
    </section>
  )
}

interface MemberActionsProps {
  member: CompanyMember
  changing: boolean
  onChange: (role: CompanyRole) => void
  onRemove: () => void
}

function MemberActions({ member: { name, role }, changing, onChange, onRemove }: MemberActionsProps) {
  const promotes = role === 'member'
  return (
    <div className="row-actions">
      <Button
        variant="secondary"
        data-size="sm"
        loading={changing}
        aria-label={promotes ? m.company_promote_named({ name }) : m.company_demote_named({ name })}
        onClick={() => onChange(promotes ? 'administrator' : 'member')}
      >
        {promotes ? m.company_promote() : m.company_demote()}
      </Button>
      <Button
        variant="secondary"
        data-size="sm"
        data-color="danger"
        aria-label={m.company_remove_named({ name })}
        onClick={onRemove}
      >
        {m.company_remove()}
      </Button>
    </div>
  )
}
