import { readFile } from 'node:fs/promises'
import { createNokkelServer, readConfiguration } from '@nokkel/server'
import { closeOnSignal, fileErasureLedger, serve } from '@nokkel/server/node'
import { type Command, CommandError, integer, text } from '../command.ts'
import { readRootKeys, rootKeyHelp } from '../settings/root-keys.ts'

/** RSA key pairs made ahead: one takes a core about a second. */
const warmKeyPairs = 4

export const serveCommand: Command = {
  help: `  nokkel serve [--port 3000] [--host ADDRESS] [--web DIR]

Serves the API in production mode, and beside it a built web application. In front of it something speaks TLS.

  DATABASE_URL       logs in to Postgres as nokkel_server; nokkel migrate has been run
  PUBLIC_URL         where browsers reach it, with https
  APP_URL            origin of the application where it is another one, of ALLOWED_ORIGINS; default PUBLIC_URL
  PROVIDERS_FILE     JSON list of how organisations let their people log in; or the list itself in PROVIDERS
  ALLOWED_ORIGINS    origins whose pages may call the API, separated by commas; default none
  APP_ORIGINS        apps that administrators may have people sent back into, separated by commas; default none
  TRUSTED_PROXIES    how many proxies of yours write X-Forwarded-For; default 0
  SUPABASE_URL       the Supabase project whose accounts people may bring along; default none
  ERASURE_LEDGER     file in which it keeps who was erased, outside of the database; whoever a restored backup brings back
                     is erased again before anything is answered. It must be there: nokkel erasures export makes one.
                     Default none
  BACKUP_RETENTION_DAYS
                     how long backups of the database are kept, as people who are erased are told; default 30

Root keys, from one of:

${rootKeyHelp}

  --port N           where to listen; default 3000
  --host ADDRESS     default every address of the machine
  --web DIR          what a built web application consists of

A server that is sealed listens, answers 503, and begins when enough shares are given with nokkel unseal.`,
  options: { port: { type: 'string' }, host: { type: 'string' }, web: { type: 'string' } },
  async run(values, { environment, report }) {
    const port = integer(values, 'port', { from: 0, to: 65_535 }) ?? 3000
    const [host, directory] = [text(values, 'host'), text(values, 'web')]
    const { databaseUrl, ...settings } = await readConfiguration(environment, (file) => readFile(file, 'utf8'))
    const rootKeys = await readRootKeys(environment)
    const { ERASURE_LEDGER: ledger } = environment
    const server = createNokkelServer({
      database: databaseUrl,
      ...settings,
      rootKeys,
      warmKeyPairs,
      ...(ledger && { erasureLedger: fileErasureLedger(ledger) }),
    })
    const options = { server, port, ...(host !== undefined && { host }), ...(directory !== undefined && { directory }) }
    const listening = await serve(options).catch(async (cause: NodeJS.ErrnoException) => {
      await server.close()
      if (cause.code !== 'EADDRINUSE') throw cause
      throw new CommandError(`Port ${port} is taken; stop what listens there, or choose another with --port.`)
    })
    report(`Nøkkel listens on port ${listening.port} and is reached at ${settings.publicUrl}.`)
    if (!ledger)
      report(
        'ERASURE_LEDGER is not set: a restored backup brings back whoever was erased, until nokkel erasures replay.',
      )
    const seal = server.sealed() && rootKeys.seal?.status()
    if (seal)
      report(`It is sealed: ${seal.required} shares open it. Give them with nokkel unseal --url ${settings.publicUrl}.`)
    closeOnSignal(listening.close)
    return 0
  },
}
