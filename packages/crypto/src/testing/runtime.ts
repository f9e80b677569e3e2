export function runtimeName(): 'browser' | 'deno' | 'node' {
  if ('Deno' in globalThis) return 'deno'
  return 'document' in globalThis ? 'browser' : 'node'
}
