// Takes away what came after Node 20, the oldest that our packages run on. The library of types names what is left of the
// language; this is for what it takes for a part of every browser.
const globals = ['navigator', 'CloseEvent', 'CustomEvent', 'EventSource', 'Iterator', 'Storage', 'WebSocket'] as const
for (const name of globals) Reflect.deleteProperty(globalThis, name)

const iterators = Object.getPrototypeOf(Object.getPrototypeOf([].values()))
const members: readonly (readonly [object, readonly string[]])[] = [
  [Array, ['fromAsync']],
  [Map, ['groupBy']],
  [Object, ['groupBy']],
  [Promise, ['try', 'withResolvers']],
  [URL, ['parse']],
  [Set.prototype, ['difference', 'intersection', 'isDisjointFrom', 'isSubsetOf', 'isSupersetOf', 'union']],
  [iterators, ['drop', 'every', 'filter', 'find', 'flatMap', 'forEach', 'map', 'reduce', 'some', 'take', 'toArray']],
]
for (const [holder, names] of members) for (const name of names) Reflect.deleteProperty(holder, name)
