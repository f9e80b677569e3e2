/** Hands a file to the person, who finds it among their downloads. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Such as `nokkel-data-2026-11-21.json`: files of one kind sort by the day they are of. */
export const downloadName = (what: string, at: Date | string, extension: string): string =>
  `nokkel-${what}-${new Date(at).toISOString().slice(0, 10)}.${extension}`
