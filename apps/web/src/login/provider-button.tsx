import { Button } from '@digdir/designsystemet-react'
import type { ProviderId } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

const label: Record<ProviderId, () => string> = { bankid: m.login_with_bankid, vipps: m.login_with_vipps }

interface ProviderButtonProps {
  provider: ProviderId
  loading?: boolean
  /** `id` of what is said of it besides. */
  describedBy?: string | undefined
  onClick: () => void
}

/** The way to a provider: in a colour that tells them apart, with its name in words and without its logo. */
export function ProviderButton({ provider, loading = false, describedBy, onClick }: ProviderButtonProps) {
  return (
    <Button
      data-size="lg"
      className="provider"
      data-provider={provider}
      aria-describedby={describedBy}
      loading={loading}
      onClick={onClick}
    >
      {label[provider]()}
    </Button>
  )
}
