import { Button } from '@digdir/designsystemet-react'
import { PaperplaneIcon, PencilWritingIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { KeyStatus } from '../keys/key-status.tsx'
import * as m from '../paraglide/messages.js'
import { useBox } from '../queries/box.ts'
import { useLocale } from '../settings/locale.ts'
import { SentItem } from './sent-item.tsx'

export function SentPage() {
  useLocale()
  const box = useBox('sent')
  const write = (
    <Button asChild>
      <Link to="/send">
        <PencilWritingIcon aria-hidden />
        {m.nav_send()}
      </Link>
    </Button>
  )

  return (
    <div className="page">
      <div className="page-head">
        <div className="stack-tight">
          <PageHeading>{m.sent_title()}</PageHeading>
          <KeyStatus />
        </div>
        {box.items.length > 0 && write}
      </div>
      {box.isPending && <ListSkeleton reason={m.sent_loading()} />}
      {box.isError && <Problem code={codeOf(box.error)} onRetry={box.retry} />}
      {box.isSuccess && box.items.length === 0 && (
        <Empty icon={<PaperplaneIcon aria-hidden />} title={m.sent_empty_title()} body={m.sent_empty_body()}>
          {write}
        </Empty>
      )}
      {box.items.length > 0 && (
        <ul className="rows" aria-label={m.sent_list_label()}>
          {box.items.map((item) => (
            <SentItem key={item.id} item={item} />
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
