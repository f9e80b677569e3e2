import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeOnSignal } from '@nokkel/server/node'
import { composeDevelopment } from './compose.ts'
import { openDevelopmentKeys } from './development/keys.ts'

const usage = `Runs Nøkkel on this machine with an embedded database and made-up people. For development only.

  npm start -- [--port 3000] [--data .nokkel]

  --port   where to listen; default 3000
  --data   where database and keys are kept; default .nokkel
  --help   this text`

try {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) console.log(usage)
  else await start(portOf(values.port), values.data ?? '.nokkel')
} catch (error) {
  console.error(sentenceOf(error))
  process.exitCode = 1
}

async function start(port: number, data: string): Promise<void> {
  if (process.env.NODE_ENV === 'production') {
    throw new Error('npm start is for development: it lets made-up people log in. Unset NODE_ENV=production to run it.')
  }
  const keyFile = join(data, 'keys.json')
  const { keys, made } = openDevelopmentKeys(keyFile)
  if (made) console.log(`Made development keys in ${keyFile}; production mode refuses them.`)
  const { url, close } = await composeDevelopment({
    port,
    keys,
    directory: join(data, 'database'),
    warmKeyPairs: 2,
    report: console.log,
  })
  closeOnSignal(close)
  console.log(`
Nøkkel runs at ${url}

  Log in as   Kari Nordmann    member, with Vipps
              Ingrid Solberg   coordinator, with BankID, in another browser or a private window
              anyone else      ${url}/sandbox lists everybody

  API         ${url}/nokkel/reference
  Data        ${data} (remove it to begin anew)

Stop with Ctrl+C.`)
}

function portOf(text = '3000'): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error(`--port takes a number up to 65535, not ${text}.`)
  return port
}

function sentenceOf(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken; stop what listens there, or choose another with --port.`
  if (code === 'EACCES' && port !== undefined) return `Port ${port} is not allowed here; choose another with --port.`
  return message
}
