/** Takes the person to the provider. */
export interface UrlLauncher {
  launch(url: URL): void | Promise<void>
  /** Stays after all, if that can still be done: the login was given up, and whoever finished it there would be lost. */
  cancel?(): void
}

/** Leaves the page; in an installed web application as in a tab. */
export const browserUrlLauncher: UrlLauncher = {
  launch: (url) => location.assign(url),
  cancel: () => window.stop(),
}

/** Goes nowhere, and remembers where it should have gone: for Node, and for tests. */
export interface MemoryUrlLauncher extends UrlLauncher {
  /** The newest last. */
  readonly launched: readonly URL[]
}

export function memoryUrlLauncher(): MemoryUrlLauncher {
  const launched: URL[] = []
  return { launched, launch: (url) => void launched.push(url) }
}
