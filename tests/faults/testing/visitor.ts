import type { Nokkel, SecureStorage } from '@nokkel/client'
import { createNokkel, memoryStorage } from '@nokkel/client/node'
import { signIn } from '@nokkel/sandbox'
import { fixedKeyGenerator } from '../../../packages/client/src/testing/fixed-key-generator.ts'

/** Someone with a device of their own, in this process. */
export interface Visitor {
  readonly nokkel: Nokkel
  readonly storage: SecureStorage
}

export interface VisitorOptions {
  readonly url: string
  readonly person: string
  readonly organization?: string
  readonly provider?: 'bankid' | 'vipps'
  readonly fetch?: typeof fetch
}

/** Logs in through the pages of the sandbox. The keys of the device may still be under way. */
export async function logIn(options: VisitorOptions): Promise<Visitor> {
  const { url, person, organization = 'likeperson', provider = 'bankid', fetch } = options
  const storage = memoryStorage()
  let callback = ''
  const nokkel = createNokkel({
    url,
    organization,
    storage,
    keyGenerator: fixedKeyGenerator,
    deviceName: 'Prøvetelefon',
    urlLauncher: {
      launch: async (authorizationUrl) => {
        callback = await signIn(authorizationUrl, { person })
      },
    },
    ...(fetch && { fetch }),
  })
  await nokkel.start()
  await nokkel.auth.signIn(provider, { consent: { personnummer: true } })
  await nokkel.auth.completeSignIn(new URL(callback))
  return { nokkel, storage }
}

/** Logs in and waits for the keys. */
export async function arrive(options: VisitorOptions): Promise<Visitor> {
  const visitor = await logIn(options)
  const { status, error } = await visitor.nokkel.keys.settled()
  if (status !== 'ready') throw new Error(`The device of ${options.person} is ${status} ${error ?? ''}`)
  await managedKeyOf(visitor)
  return visitor
}

async function managedKeyOf({ nokkel: { userKeys } }: Visitor): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      const { status, error } = userKeys.getSnapshot()
      if (status === 'failed') reject(new Error(`There is no managed key: ${error}`))
      if (status === 'ready') resolve()
    }
    userKeys.subscribe(look)
    look()
  })
}

/** A file as a browser hands it over. */
export function fileOf(bytes: Uint8Array<ArrayBuffer>, name = 'rapport.pdf') {
  return { name, type: 'application/pdf', size: bytes.byteLength, stream: () => new Blob([bytes]).stream() }
}
