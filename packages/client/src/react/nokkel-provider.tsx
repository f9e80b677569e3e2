import { createContext, type ReactNode, use } from 'react'
import type { Nokkel } from '../nokkel.ts'

const NokkelContext = createContext<Nokkel | null>(null)

export interface NokkelProviderProps {
  readonly client: Nokkel
  readonly children?: ReactNode
}

/**
 * Gives a client to the components below it. Start it yourself, once, before rendering.
 *
 * @example
 * ```tsx
 * const nokkel = createNokkel({ organization: 'likeperson' })
 * const Status = () => <p>{useSession().state.status}</p>
 * const page = (
 *   <NokkelProvider client={nokkel}>
 *     <Status />
 *   </NokkelProvider>
 * )
 * ```
 */
export function NokkelProvider({ client, children }: NokkelProviderProps): ReactNode {
  return <NokkelContext value={client}>{children}</NokkelContext>
}

/**
 * The client of the nearest provider.
 *
 * @throws {TypeError} There is no `<NokkelProvider>` above.
 */
export function useNokkel(): Nokkel {
  const client = use(NokkelContext)
  if (!client) throw new TypeError('useNokkel needs a <NokkelProvider> above it')
  return client
}
