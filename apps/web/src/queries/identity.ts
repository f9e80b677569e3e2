import { useNokkel } from '@nokkel/client/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'

const personnummerKey = ['personnummer'] as const
const consentsKey = ['consents'] as const
const erasureKey = ['erasure'] as const

/** Whether the person's number is kept, or waits for a yes; masked. */
export function usePersonnummer({ enabled = true } = {}) {
  const { identity } = useNokkel()
  return useQuery({ queryKey: personnummerKey, queryFn: () => identity.personnummer(), enabled })
}

/** What the person has said yes to, the newest first. */
export function useConsents() {
  const { privacy } = useNokkel()
  return useQuery({ queryKey: consentsKey, queryFn: () => privacy.consents() })
}

/** What erasing the account would remove; worked out anew whenever the page is opened. */
export function useErasurePreview() {
  const { privacy } = useNokkel()
  return useQuery({ queryKey: erasureKey, queryFn: () => privacy.preview(), gcTime: 0 })
}

/** Looks again at what is kept, and at what it is kept by. */
export function useRefreshPersonalData(): () => Promise<void> {
  const queries = useQueryClient()
  return async () => {
    const keys = [personnummerKey, consentsKey, ['logins']]
    await Promise.all(keys.map((queryKey) => queries.invalidateQueries({ queryKey })))
  }
}
