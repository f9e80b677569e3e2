import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSandbox, type Sandbox } from '@nokkel/sandbox'
import type { ServerPlan } from './server-plan.ts'

const providers = ['bankid', 'vipps'] as const

/** Both providers in this process, with clients of these organisations that come back to `publicUrl`. */
export async function startSandbox(
  publicUrl: string,
  organizations: readonly string[] = ['likeperson', 'fjordhjelpen'],
): Promise<{ readonly sandbox: Sandbox; readonly clients: ServerPlan['clients']; close(): void }> {
  const host = createServer((req, res) => {
    if (!sandbox.handle(req, res)) res.writeHead(404).end()
  })
  await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
  const clientsOf = (provider: (typeof providers)[number]) =>
    organizations.map((organization) => ({
      clientId: `nokkel-${organization}`,
      clientSecret: 'for-tests-only',
      redirectUris: [`${publicUrl}/callback/${provider}/${organization}`],
      nationalNumber: true,
    }))
  const sandbox = createSandbox({
    publicUrl: `http://localhost:${(host.address() as AddressInfo).port}`,
    clients: { bankid: clientsOf('bankid'), vipps: clientsOf('vipps') },
  })
  return {
    sandbox,
    clients: providers.flatMap((provider) =>
      organizations.map((organization) => ({
        provider,
        organization,
        issuer: sandbox[provider].issuer,
        clientId: `nokkel-${organization}`,
        clientSecret: 'for-tests-only',
      })),
    ),
    close() {
      sandbox.close()
      host.close()
      host.closeAllConnections()
    },
  }
}
