import { Tag } from '@digdir/designsystemet-react'
import type { Delivery } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

const states = ['opened', 'fetched', 'sent', 'unreadable'] as const

export const stateColor = { opened: 'success', fetched: 'info', sent: 'neutral', unreadable: 'warning' } as const

const counted: Record<Delivery['state'], (inputs: { count: number }) => string> = {
  opened: m.sent_count_opened,
  fetched: m.sent_count_fetched,
  sent: m.sent_count_sent,
  unreadable: m.sent_count_unreadable,
}

/** How many recipients stand where, at a glance. */
export function DeliveryTags({ deliveries }: { deliveries: readonly Delivery[] }) {
  return (
    <span className="tags">
      {states.map((state) => {
        const count = deliveries.filter((delivery) => delivery.state === state).length
        return (
          count > 0 && (
            <Tag key={state} data-color={stateColor[state]}>
              {counted[state]({ count })}
            </Tag>
          )
        )
      })}
    </span>
  )
}
