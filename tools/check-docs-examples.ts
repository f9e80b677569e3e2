import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Example, extractFromMarkdown, extractFromSource } from './docs-examples/extract.ts'
import { type Package, readPackages, root } from './packages.ts'

// Type checks every example in the documents and docstrings. One in a document is a whole program; one in a docstring
// sees what its own package exports, as if it had imported it.

const read = (file: string) => readFileSync(join(root, file), 'utf8')

const find = (pattern: string | string[]) =>
  globSync(pattern, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] })

const documents = find(['*.md', 'docs/**/*.md', 'packages/*/*.md']).flatMap((file) =>
  extractFromMarkdown(file, read(file)),
)

async function readDocstrings({ name, directory, exports }: Package): Promise<Example[]> {
  const entries = Object.keys(exports).map((subpath) => name + subpath.slice(1))
  const offers = new Map<string, string>()
  for (const entry of entries) {
    for (const exported of Object.keys((await import(entry)) as object)) {
      if (!offers.has(exported)) offers.set(exported, entry)
    }
  }
  const files = find(`${directory.slice(root.length)}src/**/*.{ts,tsx}`).filter((file) => !/\.test\.tsx?$/.test(file))
  return files.flatMap((file) => extractFromSource(file, read(file))).map((example) => importOwn(example, offers))
}

/** On the first line of code, so that line numbers stay. */
function importOwn(example: Example, offers: ReadonlyMap<string, string>): Example {
  const imported = [...example.code.matchAll(/import .* from/g)].join()
  const mentions = (text: string, name: string) => new RegExp(`(?<![\\w.'])${name}\\b(?!:)`).test(text)
  const imports = [...offers]
    .filter(([name]) => mentions(example.code, name) && !mentions(imported, name))
    .map(([name, entry]) => `import { ${name} } from '${entry}';`)
  return { ...example, code: imports.join(' ') + example.code }
}

/** @returns What the compiler refuses, at the place where it is written. */
function typeCheck(examples: readonly Example[]): string {
  const workspace = join(root, 'test-output/docs-examples')
  rmSync(workspace, { recursive: true, force: true })
  mkdirSync(workspace, { recursive: true })
  for (const [index, { language, code }] of examples.entries()) {
    writeFileSync(join(workspace, `${index}.${language}`), `${code}\nexport {}\n`)
  }
  const configuration = {
    extends: '../../tools/tsconfig.json',
    compilerOptions: { incremental: false, tsBuildInfoFile: null, noUnusedLocals: false, noUnusedParameters: false },
    include: ['.'],
    references: [],
  }
  writeFileSync(join(workspace, 'tsconfig.json'), JSON.stringify(configuration))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', workspace, '--pretty', 'false'], {
    cwd: workspace,
    encoding: 'utf8',
  })
  return stdout.replace(/^(\d+)\.tsx?\((\d+),(\d+)\)/gm, (place, index, line) => {
    const example = examples[Number(index)]
    return example ? `${example.file}:${example.line + Number(line) - 1}` : place
  })
}

const examples = [...documents, ...(await Promise.all(readPackages().map(readDocstrings))).flat()]
const refused = typeCheck(examples)
console.log(refused || `${examples.length} examples compile.`)
process.exit(refused ? 1 : 0)
