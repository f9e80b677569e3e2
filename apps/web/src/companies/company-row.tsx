import { Details, Tag } from '@digdir/designsystemet-react'
import { Buildings3Icon, ChevronRightIcon } from '@navikt/aksel-icons'
import type { CompanyView } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Fingerprint } from '../components/fingerprint.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { roleName } from './role-name.ts'

/** A company: a way in for its members, the fingerprint to compare for everybody else. */
export function CompanyRow({ company }: { company: CompanyView }) {
  const { id, name, key, role } = company
  if (role) {
    return (
      <li className="row">
        <Link to="/companies/$id" params={{ id }} className="row-link">
          <Buildings3Icon aria-hidden className="row-icon" />
          <span className="row-body">
            <CompanyText company={company} />
            <Tag data-color={role === 'administrator' ? 'accent' : 'neutral'}>{roleName[role]()}</Tag>
          </span>
          <ChevronRightIcon aria-hidden className="row-chevron" />
        </Link>
      </li>
    )
  }
  return (
    <li className="row">
      <Buildings3Icon aria-hidden className="row-icon" />
      <CompanyText company={company}>
        {key && (
          <Details data-size="sm" className="disclosure">
            <Details.Summary aria-label={`${m.device_fingerprint_show()}: ${name}`}>
              {m.device_fingerprint_show()}
            </Details.Summary>
            <Details.Content>
              <Fingerprint value={key.fingerprint} help={null} />
            </Details.Content>
          </Details>
        )}
      </CompanyText>
    </li>
  )
}

function CompanyText({ company, children }: { company: CompanyView; children?: ReactNode }) {
  const { name, organizationNumber, key } = company
  return (
    <span className="row-text">
      <span className="row-title">{name}</span>
      <span className="row-meta">
        {organizationNumber && <span>{m.company_number({ number: formatNumber(organizationNumber) })}</span>}
        {key ? (
          <When at={key.createdAt} text={(when) => m.key_created_when({ when })} />
        ) : (
          <span>{m.company_key_none()}</span>
        )}
      </span>
      {children}
    </span>
  )
}

/** As the register of companies writes it. */
const formatNumber = (number: string): string => number.replace(/(\d{3})(?=\d)/g, '$1\u00a0')
