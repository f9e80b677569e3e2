import type { ErasureCertificate } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useMemo, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { forgetOrganization } from '../settings/organization.ts'
import { SignedInArea } from '../shell/signed-in-area.tsx'
import { Erased } from './erased.tsx'
import { type Erasing, ErasingProvider } from './erasing.ts'

type State =
  | { state: 'asking'; failed: { code: ErrorCode | undefined } | undefined }
  | { state: 'erasing' }
  | { state: 'erased'; certificate: ErasureCertificate }

/** Erasing the account: the pages before it need a session, and the one after it must not. */
export function EraseArea() {
  useLocale()
  const { privacy } = useNokkel()
  const [now, setNow] = useState<State>({ state: 'asking', failed: undefined })
  const failed = now.state === 'asking' ? now.failed : undefined
  const erasing = useMemo<Erasing>(
    () => ({
      failed,
      erase() {
        setNow({ state: 'erasing' })
        privacy.erase().then(
          (certificate) => {
            forgetOrganization()
            setNow({ state: 'erased', certificate })
          },
          (error: unknown) => setNow({ state: 'asking', failed: { code: codeOf(error) } }),
        )
      },
    }),
    [privacy, failed],
  )

  if (now.state === 'erased') return <Erased certificate={now.certificate} />
  if (now.state === 'erasing') {
    return (
      <div className="page page-narrow">
        <PageHeading>{m.erase_title()}</PageHeading>
        <Waiting reason={m.erase_working()} />
      </div>
    )
  }
  return (
    <ErasingProvider value={erasing}>
      <SignedInArea />
    </ErasingProvider>
  )
}
