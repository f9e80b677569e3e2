export const script = `const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

const resolve = (schema, schemas, depth = 0) => {
  if (!schema || typeof schema !== 'object' || depth > 12) return schema
  if (Array.isArray(schema)) return schema.map((member) => resolve(member, schemas, depth + 1))
  if (schema.$ref) return resolve(schemas[schema.$ref.split('/').pop()], schemas, depth + 1)
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, resolve(value, schemas, depth + 1)]))
}

const block = (title, value) => [element('h3', { textContent: title }), element('pre', { textContent: value })]

const contentOf = (part, schemas) => {
  const [[type, { schema } = {}] = []] = Object.entries(part?.content ?? {})
  return type ? type + '\\n' + JSON.stringify(resolve(schema, schemas), null, 2) : '—'
}

const show = (path, method, operation, schemas) => {
  const about = element('div', { className: 'about' })
  about.append(element('p', { textContent: operation.security?.length ? 'Needs an access token.' : 'Public.' }))
  if (operation.parameters) about.append(...block('Parameters', JSON.stringify(resolve(operation.parameters, schemas), null, 2)))
  if (operation.requestBody) about.append(...block('Request', contentOf(operation.requestBody, schemas)))
  for (const [status, response] of Object.entries(operation.responses)) {
    about.append(...block('Answer ' + status, contentOf(response, schemas)))
  }
  const name = element('span', { className: 'method', textContent: method.toUpperCase() })
  const summary = element('summary', {}, name, element('code', { textContent: path }), ' ' + operation.summary)
  return element('details', {}, summary, about)
}

const api = await (await fetch('openapi.json')).json()
const list = document.getElementById('operations')
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    text: [method, path, operation.summary, ...operation.tags].join(' ').toLowerCase(),
    tag: operation.tags[0],
    details: show(path, method, operation, api.components.schemas),
  })),
)
document.getElementById('about').textContent = 'Version ' + api.info.version + '. ' + api.info.description

const search = document.getElementById('search')
const render = () => {
  const words = search.value.toLowerCase().split(/\\s+/)
  const found = operations.filter(({ text }) => words.every((word) => text.includes(word)))
  const tags = Map.groupBy(found, ({ tag }) => tag)
  list.replaceChildren(
    ...[...tags].flatMap(([tag, members]) => [element('h2', { textContent: tag }), ...members.map(({ details }) => details)]),
  )
  if (found.length === 0) list.textContent = 'No operation has these words.'
}
search.addEventListener('input', render)
render()
`
