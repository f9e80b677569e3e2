import { useUserKey } from '@nokkel/client/react'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'

/** How far the person's first key is. */
export function OwnKeyStatus() {
  const { state, retry } = useUserKey()
  switch (state.status) {
    case 'making':
      return <Waiting reason={m.my_key_making()} />
    case 'failed':
      return <Problem code={state.error} title={m.my_key_failed()} onRetry={() => void retry()} />
    default:
      return <Waiting reason={m.my_key_waiting()} />
  }
}
