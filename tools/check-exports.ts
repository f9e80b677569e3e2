import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Package, readPackages } from './packages.ts'

/** Every entry of the export map exists as source and as build, and the build loads. */
async function checkExports(checked: Package): Promise<string[]> {
  const { messages, pkg } = await publint({ pkgDir: checked.directory, pack: false, strict: true })
  const problems = messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
  for (const [subpath, conditions] of Object.entries(checked.exports)) {
    const missing = ['source', 'types', 'default'].filter((condition) => {
      const file = conditions[condition]
      return file === undefined || !existsSync(join(checked.directory, file))
    })
    if (missing.length > 0) problems.push(`${subpath} has no file for ${missing.join(', ')}`)
    else
      await import(checked.name + subpath.slice(1)).catch((error) =>
        problems.push(`${subpath} does not load: ${error}`),
      )
  }
  return problems
}

let failed = false
for (const checked of readPackages()) {
  const problems = await checkExports(checked)
  for (const problem of problems) console.error(`${checked.name} ${problem}`)
  failed ||= problems.length > 0
}
process.exit(failed ? 1 : 0)
