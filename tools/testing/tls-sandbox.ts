import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSandbox, type Sandbox, type SandboxClient } from '@nokkel/sandbox'

export interface TlsSandbox {
  readonly sandbox: Sandbox
  /** File with the certificate that whoever asks must trust: `NODE_EXTRA_CA_CERTS` of a process. */
  readonly certificate: string
  close(): void
}

/** A sandbox over TLS on this machine, for what talks to providers as in production. */
export async function startTlsSandbox(clients: {
  readonly bankid: readonly SandboxClient[]
  readonly vipps: readonly SandboxClient[]
}): Promise<TlsSandbox> {
  const directory = mkdtempSync(join(tmpdir(), 'nokkel-tls-sandbox-'))
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', ['req', '-x509', ...curve, '-out', certificate, '-days', '2', ...name], { stdio: 'ignore' })
  const host = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    if (!sandbox.handle(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
  const sandbox = createSandbox({ publicUrl: `https://localhost:${(host.address() as AddressInfo).port}`, clients })
  return {
    sandbox,
    certificate,
    close() {
      sandbox.close()
      host.close()
      host.closeAllConnections()
      rmSync(directory, { recursive: true })
    },
  }
}
