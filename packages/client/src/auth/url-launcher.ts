/** Takes the person to the provider. */
export interface UrlLauncher {
  launch(url: URL): void | Promise<void>
}

/** Leaves the page. */
export const browserUrlLauncher: UrlLauncher = { launch: (url) => location.assign(url) }
