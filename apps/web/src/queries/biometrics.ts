import type { Me } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

const key = ['biometrics'] as const

/** Whether this device can be unlocked by face, finger or PIN, and what the server has of it. */
export function useDeviceBiometrics({ session }: Me) {
  const { biometrics } = useNokkel()
  return useQuery({
    queryKey: [...key, session.id],
    async queryFn() {
      const [{ isAvailable }, enrollment] = await Promise.all([biometrics.capability(), biometrics.enrollment()])
      return { isAvailable, enrollment }
    },
  })
}

export function useRefreshBiometrics(): () => Promise<void> {
  const queries = useQueryClient()
  return useCallback(() => queries.invalidateQueries({ queryKey: key }), [queries])
}
