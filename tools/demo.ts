import { parseArgs } from 'node:util'
import type { AssignmentItem, Nokkel } from '@nokkel/client'
import type { Database } from '@nokkel/server'
import { composeDevelopment } from './compose.ts'
import { readEverything, type StoredRow } from './demo/database-view.ts'
import { occurrences } from './demo/needle.ts'
import { logIn } from './demo/person.ts'
import { createReport, excerpt } from './demo/report.ts'
import { createWiretap, type Exchange } from './demo/wiretap.ts'

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })

const title = 'Hjemmebesøk hos Åse på torsdag'
const body = 'Ring på klokka 12. Nøkkelen ligger hos naboen i tredje etasje.'
const fileText = 'Åse er allergisk mot penicillin og bruker høreapparat.'
const fileName = 'Helseopplysninger.txt'

/** What to show of the database: the columns that hold what was sent, and keys. */
const telling: Readonly<Record<string, readonly string[]>> = {
  'public.assignment': ['content', 'statement'],
  'public.assignment_key': ['wrapped_key'],
  'public.blob_chunk': ['bytes'],
  'public.device_key': ['name', 'state', 'encryption_key'],
  'nokkel.refresh_token': ['hash'],
}

const started = performance.now()
const { url, database, close } = await composeDevelopment({ port: 0, web: false })
const wiretap = createWiretap()
const report = createReport({ silent: flags.json })
const people: Nokkel[] = []

try {
  await story()
} finally {
  for (const nokkel of people) nokkel.close()
  await close()
}

const seconds = Number(((performance.now() - started) / 1000).toFixed(1))
const failed = report.lines.filter(({ holds }) => holds === false).length
if (flags.json) console.log(JSON.stringify({ lines: report.lines, seconds, failed }, null, 2))
else console.log(`\nDone in ${seconds} s. The database is gone.`)
if (failed > 0) process.exitCode = 1

async function story(): Promise<void> {
  report.heading('1. Kari, a member, logs in')
  const kari = await arrive('Kari', 'vipps', 'likeperson-medlem-1', "Kari's phone")
  report.say('Kari', `logged in with Vipps; ${ready(kari)}`)
  report.say('Kari', `inbox: ${(await kari.assignments.inbox()).items.length} assignments`)

  report.heading('2. Ingrid, a coordinator, logs in and writes to her')
  const ingrid = await arrive('Ingrid', 'bankid', 'likeperson-koordinator', "Ingrid's laptop")
  report.say('Ingrid', `logged in with BankID; ${ready(ingrid)}`)
  const { items: found } = await ingrid.members.list({ search: 'Nordmann' })
  const to = found[0]?.id ?? ''
  report.say('Ingrid', `finds ${found[0]?.name}: ${found[0]?.devices.length} device to encrypt to`)
  const bytes = new TextEncoder().encode(fileText)
  const file = { name: fileName, type: 'text/plain', size: bytes.byteLength, stream: () => new Blob([bytes]).stream() }
  const { id } = await ingrid.assignments.send({ to, title, body, files: [file] })
  report.say('Ingrid', `sent «${title}» with ${fileName}`)

  report.heading('3. Kari reads it')
  const item = await itemOf(kari, id)
  report.say('Kari', `inbox: an assignment from ${item.sender.name}, ${item.fileCount} file, still sealed`)
  const opened = await item.open()
  const attached = opened.files[0]
  const text = attached ? await (await attached.blob()).text() : ''
  report.say('Kari', `«${opened.title}»\n${opened.body}\n${attached?.name}: ${text}`)
  report.say('Kari', `signed by ${opened.signer.name}, fingerprint ${opened.signer.fingerprint}`)
  report.check(
    'title, text and file are what Ingrid wrote',
    opened.title === title && opened.body === body && text === fileText,
  )
  report.say('Ingrid', `sees: ${await stateOf(ingrid, id)}`)

  report.heading('4. Kari gets a new phone')
  const newPhone = await arrive('Kari', 'vipps', 'likeperson-medlem-1', "Kari's new phone")
  const { status, others = [] } = newPhone.keys.getSnapshot()
  report.say('Kari', `is asked once: end «${others[0]?.name}»? (${status})`)
  await newPhone.keys.confirmReplace()
  report.say('Kari', `new phone: ${ready(newPhone)}`)
  const refusal = await kari.assignments.inbox().then(
    () => 'still works',
    () => kari.auth.getSnapshot().notice,
  )
  report.say('Kari', `old phone: ${refusal}; its keys are deleted`)
  report.check('the old phone is refused and knows why', refusal === 'device_superseded')
  report.say('Ingrid', `sees: ${await stateOf(ingrid, id)}`)
  await ingrid.assignments.resend(id)
  const again = await (await itemOf(newPhone, id)).open()
  report.say('Kari', `new phone, after Ingrid sent it again: «${again.title}»`)
  report.check('she reads the same on the new phone', again.title === title && again.body === body)

  whatOthersSaw(wiretap.exchanges, await readEverything(database as Database))
}

async function arrive(who: 'Kari' | 'Ingrid', provider: 'bankid' | 'vipps', person: string, deviceName: string) {
  const nokkel = await logIn({ url, provider, person, deviceName, fetch: wiretap.fetchOf(who) })
  people.push(nokkel)
  return nokkel
}

function ready(nokkel: Nokkel): string {
  const { status } = nokkel.keys.getSnapshot()
  return status === 'ready' ? 'ready, asked nothing about keys' : status
}

async function itemOf(nokkel: Nokkel, id: string): Promise<AssignmentItem> {
  const item = (await nokkel.assignments.inbox()).items.find((candidate) => candidate.id === id)
  if (!item) throw new Error('The assignment is not in the inbox.')
  return item
}

async function stateOf(nokkel: Nokkel, id: string): Promise<string> {
  const { items } = await nokkel.assignments.sent()
  const deliveries = items.find((candidate) => candidate.id === id)?.deliveries ?? []
  return deliveries.map(({ name, state }) => `${name}: ${state}`).join(', ')
}

function whatOthersSaw(exchanges: readonly Exchange[], rows: readonly StoredRow[]): void {
  const sent = exchanges.flatMap(({ headers, request, answer }) => [headers, request, answer])
  report.heading(`5. What the network saw, if there were no TLS: ${exchanges.length} requests`)
  for (const { who, method, path, request } of exchanges.filter(isTelling)) {
    report.say(
      'network',
      `${who} ${method} ${withShortIds(path)}  ${request.byteLength} bytes\n${excerpt(request, 96)}`,
    )
  }

  report.heading(`6. What the database holds: ${rows.length} rows`)
  for (const { table, column, values } of tellingColumns(rows)) {
    report.say('database', `${table}.${column}  ${values}`)
  }

  report.heading('7. Searched for in all of it: as text, JSON, UTF-16, hexadecimal and base64')
  const stored = rows.map(({ values }) => new TextEncoder().encode(JSON.stringify(values)))
  for (const [name, secret] of Object.entries({ title, body, 'file content': fileText, 'file name': fileName })) {
    const [inSent, inStored] = [occurrences(secret, sent), occurrences(secret, stored)]
    report.check(`${name}: ${inSent} times on the network, ${inStored} times in the database`, inSent + inStored === 0)
  }
  const [inSent, inStored] = [occurrences('Kari Nordmann', sent), occurrences('Kari Nordmann', stored)]
  report.check(
    `the search works: the name Kari Nordmann, which the server must know, is there ${inSent} and ${inStored} times`,
    inSent > 0 && inStored > 0,
  )
  report.say('check', 'The server does know who wrote to whom, when, to which devices, and how many bytes.')
}

function isTelling({ method, path, who }: Exchange): boolean {
  return who === 'Ingrid' && ((method === 'POST' && path.startsWith('/nokkel/assignments')) || method === 'PUT')
}

function withShortIds(path: string): string {
  return path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => `${id.slice(0, 8)}…`)
}

function tellingColumns(rows: readonly StoredRow[]) {
  return Object.entries(telling).flatMap(([table, columns]) => {
    const row = rows.find((candidate) => candidate.table === table)
    return columns
      .filter((column) => row?.values[column] !== undefined)
      .map((column) => {
        const value = row?.values[column]
        const text = typeof value === 'string' ? value : JSON.stringify(value)
        return { table: table.replace(/^public\./, ''), column, values: excerpt(new TextEncoder().encode(text), 72) }
      })
  })
}
