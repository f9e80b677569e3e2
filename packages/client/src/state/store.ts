/** Something with a state that changes, in the form `useSyncExternalStore` takes. */
export interface Observable<State> {
  /** Calls `listener` after each change. Returns what ends that. */
  subscribe(listener: () => void): () => void
  /** The present state: the same object until it changes. */
  getSnapshot(): Readonly<State>
}

export interface Store<State> extends Observable<State> {
  set(state: State): void
}

export function createStore<State>(initial: State): Store<State> {
  const listeners = new Set<() => void>()
  let state = initial
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: () => state,
    set(next) {
      state = next
      for (const listener of [...listeners]) listener()
    },
  }
}
