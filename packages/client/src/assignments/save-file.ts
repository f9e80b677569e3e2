import { NokkelError } from '../errors.ts'
import type { FileOptions, OpenedFile } from './opened-file.ts'

interface FilePicker {
  showSaveFilePicker?(options: {
    suggestedName: string
  }): Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>
}

const largestInMemory = 67_108_864

/** Small files go through memory as an ordinary download; large ones straight to disk where the browser can do that. */
export async function saveFile(
  file: Pick<OpenedFile, 'name' | 'byteLength' | 'stream' | 'blob'>,
  options: FileOptions = {},
): Promise<void> {
  const { showSaveFilePicker } = globalThis as FilePicker
  if (file.byteLength > largestInMemory && showSaveFilePicker) {
    const handle = await showSaveFilePicker.call(globalThis, { suggestedName: file.name }).catch((cause: unknown) => {
      throw new NokkelError('cancelled', { cause })
    })
    return await file.stream(options).pipeTo(await handle.createWritable())
  }
  const url = URL.createObjectURL(await file.blob(options))
  const anchor = Object.assign(document.createElement('a'), { href: url, download: file.name })
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
