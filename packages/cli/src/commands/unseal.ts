import { problems, SealStatus } from '@nokkel/contract'
import { type Command, CommandError, required, UsageError } from '../command.ts'

export const unseal: Command = {
  help: `  nokkel unseal --url URL

Gives a sealed server one share of its key. The share is typed or pasted without being shown, or comes on standard input;
it is in no argument and no variable.

  --url URL   where the server is reached, with https unless it is on this machine
  --json      prints the status as JSON`,
  options: { url: { type: 'string' }, json: { type: 'boolean' } },
  async run(values, { readSecret, print }) {
    const url = serverUrl(required(values, 'url'))
    const share = await readSecret('Share: ')
    if (share === '') throw new CommandError('No share was given.')
    const response = await fetch(`${url}/nokkel/unseal`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ share }),
      redirect: 'error',
      signal: AbortSignal.timeout(30_000),
    }).catch((cause) => {
      throw new CommandError(`${url} does not answer.`, { cause })
    })
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok) throw new CommandError(refusal(body, response.status))
    const status = SealStatus.safeParse(body)
    if (!status.success) throw new CommandError(`${url} is not a Nøkkel server.`)
    const { sealed, received, required: needed } = status.data
    if (values.json) print(JSON.stringify(status.data))
    else print(sealed ? `${received} of ${needed} shares are given.` : 'The server is unsealed.')
    return 0
  },
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const local = url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url?.protocol !== 'https:' && !local) throw new UsageError('--url must be an https URL.')
  return text.replace(/\/$/, '')
}

function refusal(body: unknown, status: number): string {
  const code = (body as { code?: string } | undefined)?.code ?? ''
  return Object.hasOwn(problems, code)
    ? problems[code as keyof typeof problems].title
    : `The server answered ${status}, and not as a Nøkkel server does.`
}
