import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSandbox, type Sandbox, type SandboxClient } from '@nokkel/sandbox'

export interface TlsSandbox {
  readonly sandbox: Sandbox
  /** File with the certificate that whoever asks must trust: `NODE_EXTRA_CA_CERTS` of a process. */
  readonly certificate: string
  readonly url: string
  close(): void
}

type Clients = Readonly<Record<'bankid' | 'vipps', readonly SandboxClient[]>>

/**
 * A sandbox over TLS on this machine, for what talks to providers as in production.
 *
 * @param clientsAt - By its URL.
 * @param answer - Everything else that is asked of it. Default 404.
 */
export async function startTlsSandbox(
  clientsAt: (url: string) => Clients,
  answer: RequestListener = (_, response) => response.writeHead(404).end(),
): Promise<TlsSandbox> {
  const directory = mkdtempSync(join(tmpdir(), 'nokkel-tls-sandbox-'))
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  // Deno takes none of an authority for that of a host.
  const name = [
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
    '-addext',
    'basicConstraints=CA:FALSE',
  ]
  execFileSync('openssl', ['req', '-x509', ...curve, '-out', certificate, '-days', '2', ...name], { stdio: 'ignore' })
  const host = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    if (!sandbox.handle(request, response)) answer(request, response)
  })
  await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
  const url = `https://localhost:${(host.address() as AddressInfo).port}`
  const sandbox = createSandbox({ publicUrl: url, clients: clientsAt(url) })
  return {
    sandbox,
    certificate,
    url,
    close() {
      sandbox.close()
      host.close()
      host.closeAllConnections()
      rmSync(directory, { recursive: true })
    },
  }
}
