/** Runs tasks of one name after each other. */
export interface Lock {
  run<T>(name: string, task: () => Promise<T>): Promise<T>
}

/** One at a time within this process. */
export function createMutex(): Lock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run(name, task) {
      const turn = (tails.get(name) ?? Promise.resolve()).then(task, task)
      tails.set(name, turn)
      return turn
    },
  }
}

/** One at a time over every tab and worker of this origin, where the browser has Web Locks. */
export function createWebLock(): Lock {
  const locks = globalThis.navigator?.locks
  if (!locks) return createMutex()
  return { run: async (name, task) => await locks.request(`nokkel.${name}`, task) }
}
