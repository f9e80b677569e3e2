import { stat } from 'node:fs/promises'
import { type Command, CommandError, required } from '../command.ts'
import { describeKind, scanBundle } from '../doctor/scan-bundle.ts'

export const doctor: Command = {
  help: `  nokkel doctor --bundle DIR [--json]

Reads every file of a built web application, with its source maps, compressed copies and data URLs, and looks for

  · names and values of server secrets: what this environment calls a key, secret, token or password is looked
    for itself, in hexadecimal, base64 and base64url
  · private keys: PEM, PKCS#8, PKCS#1 and SEC1 in base64, base64url or hexadecimal, JWKs with private members
  · 64 hexadecimal digits that nothing marks as a digest
  · Supabase tokens with the role service_role, sb_secret_ keys, database URLs with passwords
  · modules of the server in source maps

  --bundle DIR   what is published, such as apps/web/dist
  --json         prints the report as JSON

Ends with 1 when anything is found. What is printed of a secret does not suffice to use it.`,
  options: { bundle: { type: 'string' }, json: { type: 'boolean' } },
  async run(values, { environment, print }) {
    const directory = required(values, 'bundle')
    const found = await stat(directory).catch(() => undefined)
    if (!found?.isDirectory()) throw new CommandError(`${directory} is not a directory; build the application first.`)
    const report = await scanBundle(directory, { environment })
    if (report.texts === 0) throw new CommandError(`${directory} is empty; build the application first.`)
    if (values.json) print(JSON.stringify(report, null, 2))
    else {
      for (const { file, line, column, kind, excerpt } of report.findings) {
        print(`${file}:${line}:${column}  ${kind}  ${excerpt}\n    ${describeKind(kind)}`)
      }
      const { texts, findings } = report
      print(findings.length === 0 ? `Nothing found in ${texts} texts.` : `${findings.length} found in ${texts} texts.`)
    }
    return report.findings.length === 0 ? 0 : 1
  },
}
