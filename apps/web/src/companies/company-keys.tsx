import { Button, Paragraph } from '@digdir/designsystemet-react'
import { KeyHorizontalIcon } from '@navikt/aksel-icons'
import type { CompanyDetails, ManagedKeyView } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { LeftBehind } from '../managed-keys/left-behind.tsx'
import { ManagedKeyCard } from '../managed-keys/managed-key-card.tsx'
import { OlderKeys } from '../managed-keys/older-keys.tsx'
import { RenewDialog } from '../managed-keys/renew-dialog.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshCompanies } from '../queries/companies.ts'

/** The keys of a company, and what its administrators may do with them. */
export function CompanyKeys({ company: { id, role, keys } }: { company: CompanyDetails }) {
  const { companies } = useNokkel()
  const refresh = useRefreshCompanies()
  const [renewing, setRenewing] = useState(false)
  const [reported, setReported] = useState<ManagedKeyView>()
  const make = useMutation({ mutationFn: () => companies.generateKey(id), onSettled: refresh })
  const active = keys.find(({ state }) => state === 'active')
  const administers = role === 'administrator'
  const settled = () => void refresh()
  const close = () => {
    setRenewing(false)
    setReported(undefined)
  }

  return (
    <>
      {active ? (
        <ManagedKeyCard
          managedKey={active}
          heading={m.company_key()}
          onRenew={administers ? () => setRenewing(true) : undefined}
          onReport={administers ? () => setReported(active) : undefined}
        />
      ) : (
        <Empty
          icon={<KeyHorizontalIcon aria-hidden />}
          title={m.company_key_empty_title()}
          body={m.company_key_empty_body()}
        >
          {administers ? (
            <Button loading={make.isPending} onClick={() => make.mutate()}>
              {make.isPending ? m.company_key_making() : m.company_key_make()}
            </Button>
          ) : (
            <Paragraph>{m.company_key_empty_member()}</Paragraph>
          )}
          {make.isError && <Problem code={codeOf(make.error)} />}
        </Empty>
      )}
      {active && administers && (
        <LeftBehind keys={keys} move={(options) => companies.moveWraps(id, options)} onSettled={settled} />
      )}
      <OlderKeys keys={keys.filter((key) => key !== active)} onReport={administers ? setReported : undefined} />
      {renewing && (
        <RenewDialog
          reason="renew"
          renew={(options) => companies.regenerate(id, options)}
          onSettled={settled}
          onClose={close}
        />
      )}
      {reported && (
        <RenewDialog
          reason={reported.state === 'active' ? 'report' : 'report_older'}
          renew={(options) => companies.markCompromised(id, reported.id, options)}
          onSettled={settled}
          onClose={close}
        />
      )}
    </>
  )
}
