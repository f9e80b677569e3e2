import { Heading, Radio, Tag } from '@digdir/designsystemet-react'
import type { Duplicate } from '@nokkel/client'
import { Facts } from '../components/facts.tsx'
import { providerName } from '../components/format.ts'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { roleName } from '../role.ts'

type Account = Duplicate['accounts'][number]

interface CompareProps {
  accounts: readonly Account[]
  myId: string | undefined
  keep: string | undefined
  onKeep: (id: string) => void
}

/** Two accounts side by side, to choose the one that is kept. Phone and e-mail come masked from the server. */
export function Compare({ accounts, myId, keep, onKeep }: CompareProps) {
  return (
    <fieldset className="compare">
      <legend className="ds-label">{m.compare_keep_legend()}</legend>
      {accounts.map((account, index) => (
        <article
          key={account.id}
          className={account.id === keep ? 'account account-kept' : 'account'}
          aria-labelledby={account.id}
        >
          <div className="device-name">
            <Heading id={account.id} level={2} data-size="2xs">
              {m.compare_account({ number: index + 1 })}: {account.name}
            </Heading>
            {account.id === myId && <Tag data-color="warning">{m.compare_yours()}</Tag>}
          </div>
          <Facts facts={factsOf(account)} />
          <Radio
            name="survivor"
            value={account.id}
            label={m.compare_keep()}
            aria-describedby={account.id}
            checked={account.id === keep}
            onChange={() => onKeep(account.id)}
          />
        </article>
      ))}
    </fieldset>
  )
}

function factsOf(account: Account): Parameters<typeof Facts>[0]['facts'] {
  const { role, lastLoginAt } = account
  const logins = [...new Set(account.logins)].map(providerName).join(', ')
  const ofEverybody = [
    [m.account_role(), role ? roleName[role]() : m.compare_not_member()],
    [m.compare_created(), <When key="created" at={account.createdAt} />],
    [m.compare_logins(), logins || m.compare_no_logins()],
    [m.compare_bankid(), account.bankidVerified ? m.compare_yes() : m.compare_no()],
    [m.account_personnummer(), account.personnummerVerified ? m.compare_yes() : m.compare_unknown()],
    [
      m.compare_id(),
      <span key="id" className="account-id">
        {account.id}
      </span>,
    ],
  ] as const
  if (!role) return ofEverybody
  return [
    ...ofEverybody,
    [m.compare_last_login(), lastLoginAt ? <When key="last" at={lastLoginAt} /> : m.compare_never()],
    [m.account_phone(), account.phoneNumber ?? m.compare_unknown()],
    [m.account_email(), account.email ?? m.compare_unknown()],
  ]
}
