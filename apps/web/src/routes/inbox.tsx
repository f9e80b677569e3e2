import { Button, Paragraph } from '@digdir/designsystemet-react'
import { InboxIcon } from '@navikt/aksel-icons'
import { useDeviceKeys } from '@nokkel/client/react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { KeyStatus } from '../keys/key-status.tsx'
import * as m from '../paraglide/messages.js'
import { useBox } from '../queries/box.ts'
import { useLocale } from '../settings/locale.ts'
import { InboxItem } from './inbox-item.tsx'

export function InboxPage() {
  useLocale()
  const box = useBox('inbox')
  const { state: keys } = useDeviceKeys()
  const unopened = box.items.filter((item) => item.readable && !item.openedAt).length

  return (
    <div className="page">
      <div className="stack-tight">
        <PageHeading>{m.inbox_title()}</PageHeading>
        <KeyStatus />
      </div>
      {box.isPending && <ListSkeleton reason={m.inbox_loading()} />}
      {box.isError && <Problem code={codeOf(box.error)} onRetry={box.retry} />}
      {box.isSuccess && box.items.length === 0 && (
        <Empty icon={<InboxIcon aria-hidden />} title={m.inbox_empty_title()} body={m.inbox_empty_body()} />
      )}
      <Paragraph className="ds-sr-only" role="status">
        {box.items.length > 0 && m.inbox_unopened({ count: unopened })}
      </Paragraph>
      {box.items.length > 0 && (
        <ul className="rows" aria-label={m.inbox_list_label()}>
          {box.items.map((item) => (
            <InboxItem key={item.id} item={item} hasKeys={keys.status === 'ready'} />
          ))}
        </ul>
      )}
      {box.hasMore && (
        <Button variant="secondary" loading={box.isLoadingMore} onClick={box.loadMore}>
          {box.isLoadingMore ? m.loading_more() : m.load_more()}
        </Button>
      )}
    </div>
  )
}
