import { Paragraph } from '@digdir/designsystemet-react'
import type { ManagedKeyView } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { KeyPages } from '../managed-keys/key-pages.tsx'
import { LeftBehind } from '../managed-keys/left-behind.tsx'
import { ManagedKeyCard } from '../managed-keys/managed-key-card.tsx'
import { OlderKeys } from '../managed-keys/older-keys.tsx'
import { OwnKeyStatus } from '../managed-keys/own-key-status.tsx'
import { RenewDialog } from '../managed-keys/renew-dialog.tsx'
import * as m from '../paraglide/messages.js'
import { useOwnKeys } from '../queries/keys.ts'
import { useLocale } from '../settings/locale.ts'

export function KeysPage() {
  useLocale()
  const { userKeys } = useNokkel()
  const { query, refresh } = useOwnKeys()
  const [renewing, setRenewing] = useState(false)
  const [reported, setReported] = useState<ManagedKeyView>()
  const keys = query.data ?? []
  const active = keys.find(({ state }) => state === 'active')
  const close = () => {
    setRenewing(false)
    setReported(undefined)
  }

  return (
    <div className="page">
      <KeyPages />
      <div className="stack-tight">
        <PageHeading>{m.my_keys_title()}</PageHeading>
        <Paragraph>{m.my_keys_lead()}</Paragraph>
      </div>
      {query.isPending && <ListSkeleton reason={m.my_keys_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && !active && <OwnKeyStatus />}
      {active && (
        <ManagedKeyCard
          managedKey={active}
          heading={m.my_key_heading()}
          lock={m.my_keys_lock()}
          onRenew={() => setRenewing(true)}
          onReport={() => setReported(active)}
        />
      )}
      {active && <LeftBehind keys={keys} move={userKeys.moveWraps} onSettled={refresh} />}
      <OlderKeys keys={keys.filter((key) => key !== active)} onReport={setReported} />
      {renewing && <RenewDialog reason="renew" renew={userKeys.regenerate} onSettled={refresh} onClose={close} />}
      {reported && (
        <RenewDialog
          reason={reported.state === 'active' ? 'report' : 'report_older'}
          renew={(options) => userKeys.markCompromised(reported.id, options)}
          onSettled={refresh}
          onClose={close}
        />
      )}
    </div>
  )
}
