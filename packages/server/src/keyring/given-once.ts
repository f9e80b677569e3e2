import type { RootKeyProvider, RootKeys } from './root-keys.ts'

/** Keys that are there already, and go to one server. */
export function givenOnce(rootKeys: RootKeys): RootKeyProvider {
  let keys: RootKeys | undefined = rootKeys
  return {
    async load() {
      const given = keys
      keys = undefined
      if (!given) throw new Error('The root keys were already given to a server.')
      return given
    },
  }
}
