import { createMutex, type Lock } from '../lock/lock.ts'

/** A lock of which one name may be postponed: whoever asks for it next gets it only when it is released. */
export function createLaterLock(mutex: Lock = createMutex()) {
  const postponed = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let postponedName: string | undefined
  return {
    async run(name, task) {
      if (name === postponedName) {
        postponedName = undefined
        postponed.resolve()
        await released.promise
      }
      return mutex.run(name, task)
    },
    postpone(name: string) {
      postponedName = name
    },
    /** Resolves when somebody waits for it. */
    postponed: postponed.promise,
    release: () => released.resolve(),
  } satisfies Lock & Record<string, unknown>
}
