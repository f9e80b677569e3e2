import {
  type AssignmentFile,
  type Bytes,
  type ContentKey,
  type Context,
  CryptoError,
  decodeBase64Url,
  encodeBase64Url,
  FILE_CHUNK_BYTE_LENGTH,
  generateContentKey,
  generateStreamSalt,
  openRfxValue,
  sealRfxValue,
} from '@nokkel/crypto'
import { announceFile, type OutgoingFile, sendChunks } from '../../assignments/upload-file.ts'
import { codeOf, NokkelError } from '../../errors.ts'
import { equalBytes } from '../bytes.ts'
import type { GroupKey, OpenedRfx } from '../opened-rfx.ts'
import type { UploadOptions } from '../rfx.ts'

/** What the files belong to. */
export interface UploadTarget {
  readonly purpose: 'rfx-file' | 'rfx-bid-file'
  /** A bid, or a document that is replaced; of a new document `null`. */
  readonly object: string | null
  /** The key the record of an upload lies under. */
  readonly key: () => Promise<GroupKey>
}

interface StoredFile {
  readonly file: AssignmentFile
  /** Of a new document one made for it, the same when it was interrupted and goes on. */
  readonly object: string
  /** Whether it went on, so that something may have been written of it. */
  readonly isResumed: boolean
}

interface UploadRecord {
  readonly rfxId: string
  readonly purpose: UploadTarget['purpose']
  readonly target: string | null
  readonly object: string
  readonly blobId: string
  readonly name: string
  readonly byteLength: number
  readonly lastModified: number | null
  readonly startedAt: string
  /** Which key `sealed` is under. */
  readonly groupId: string
  readonly version: number
  /** Key of the file and salt of its stream, base64url of what `sealRfxValue` made. */
  readonly sealed: string
}

interface FileSecrets {
  readonly key: ContentKey
  readonly salt: Bytes
}

interface UploadState {
  readonly secrets: FileSecrets
  /** Digests recorded before, from the first chunk on; those of further chunks are added. */
  readonly recorded: Uint8Array[]
  readonly received: ReadonlySet<number>
  readonly isResumed: boolean
}

interface Upload {
  readonly userId: string
  readonly target: UploadTarget
  readonly signal: AbortSignal | undefined
  readonly onChunk: (byteLength: number) => void
  readonly onResumed: (byteLength: number) => void
  readonly taken: Set<string>
}

export interface Uploads {
  /**
   * Stores files and hands them to `use`, which ties them to what they belong to. Until that has succeeded, the same
   * files given again go on where they stopped.
   *
   * @throws {NokkelError} `file_changed`: a file is not what was sent of it before; given again it starts anew.
   */
  run<T>(
    files: readonly OutgoingFile[],
    target: UploadTarget,
    options: UploadOptions,
    use: (stored: readonly StoredFile[]) => Promise<T>,
  ): Promise<T>
}

const prefix = 'rfx_upload_v1.'
const lifetimeMilliseconds = 86_400_000
const digestsPerValue = 64
const digestByteLength = 32
const keyByteLength = 32

/**
 * Makes what stores files of one project so that an interrupted upload can go on. The invariant: key and salt of a file
 * never meet other bytes than those whose digests were recorded before they were first sent.
 */
export function createUploads(opened: OpenedRfx): Uploads {
  const { id, call, storage, lock, now } = opened
  /** Blob ids of uploads in this page: the same file given twice is two uploads. */
  const active = new Set<string>()

  return {
    async run(files, target, options, use) {
      const { signal } = options
      const { userId } = await opened.author()
      await removeExpired(userId)
      const upload: Upload = { userId, target, signal, ...progressOf(files, options), taken: new Set() }
      const stored: StoredFile[] = []
      try {
        for (const file of files) stored.push(await store(file, upload))
        const result = await use(stored)
        for (const { file } of stored) await remove(nameOf(userId, file.blobId))
        return result
      } finally {
        for (const blobId of upload.taken) active.delete(blobId)
        for (const { file } of stored) file.key.fill(0)
      }
    },
  }

  async function store(file: OutgoingFile, upload: Upload): Promise<StoredFile> {
    const found = await find(file, upload)
    const resumed = found && (await exclusively(found.blobId, upload, () => goOn(file, found.blobId, upload)))
    return resumed ?? (await begin(file, upload))
  }

  /** One tab at a time sends a file under one key. */
  function exclusively<T>(blobId: string, upload: Upload, task: () => Promise<T>): Promise<T> {
    active.add(blobId)
    upload.taken.add(blobId)
    return lock.run(`rfx-upload.${blobId}`, task)
  }

  async function begin(file: OutgoingFile, upload: Upload): Promise<StoredFile> {
    const { purpose, object, key: keyOf } = upload.target
    const { groupId, version, key } = await keyOf()
    const secrets: FileSecrets = { key: generateContentKey(), salt: generateStreamSalt() }
    const blobId = crypto.randomUUID()
    const record: UploadRecord = {
      rfxId: id,
      purpose,
      target: object,
      object: object ?? crypto.randomUUID(),
      blobId,
      ...identityOf(file),
      startedAt: now().toISOString(),
      groupId,
      version,
      sealed: encodeBase64Url(await sealSecrets(secrets, { key, rfxId: groupId, version, place: placeOf(blobId) })),
    }
    return exclusively(blobId, upload, async () => {
      await storage.put(nameOf(upload.userId, blobId), record)
      await announceFile(call, blobId, file.size, upload.signal)
      return send(file, record, upload, { secrets, recorded: [], received: new Set(), isResumed: false })
    })
  }

  /** Nothing when another tab has ended the upload, or it cannot go on. */
  async function goOn(file: OutgoingFile, blobId: string, upload: Upload): Promise<StoredFile | undefined> {
    const name = nameOf(upload.userId, blobId)
    const record = (await storage.get(name)) as UploadRecord | undefined
    if (!record) return undefined
    const secrets = await openSecrets(record)
    const recorded = await readDigests(name)
    const received = secrets && (await announceFile(call, blobId, file.size, upload.signal).catch(unlessTaken))
    // A chunk that was sent before its digest was recorded, should a browser have lost that, cannot be compared.
    if (!secrets || !received || [...received].some((index) => index >= recorded.length)) {
      await remove(name)
      return undefined
    }
    const resumed = [...received].reduce((sum, index) => sum + chunkByteLength(file.size, index), 0)
    if (resumed > 0) upload.onResumed(resumed)
    return send(file, record, upload, { secrets, recorded, received, isResumed: true })
  }

  async function send(file: OutgoingFile, record: UploadRecord, upload: Upload, state: UploadState) {
    const { blobId, purpose, object } = record
    const { secrets, recorded, received, isResumed } = state
    const { signal, onChunk } = upload
    const name = nameOf(upload.userId, blobId)
    const context = rfxFileContext(purpose, blobId, purpose === 'rfx-file' ? id : object)
    const beforeChunk = async (digest: Uint8Array, index: number) => {
      const known = recorded[index]
      if (known === undefined) await recordDigest(name, recorded, digest)
      else if (!equalBytes(known, digest)) throw new NokkelError('file_changed')
      return !received.has(index)
    }
    try {
      const stored = await sendChunks(file, { call, blobId, ...secrets, context, signal, onChunk, beforeChunk })
      return { file: stored, object, isResumed }
    } catch (error) {
      secrets.key.fill(0)
      if (codeOf(error) === 'file_changed') await remove(name)
      throw error
    } finally {
      secrets.salt.fill(0)
    }
  }

  async function find(file: OutgoingFile, { userId, target }: Upload): Promise<UploadRecord | undefined> {
    const wanted = { rfxId: id, purpose: target.purpose, target: target.object, ...identityOf(file) }
    for (const name of await recordNames(userId)) {
      const record = (await storage.get(name)) as UploadRecord | undefined
      if (!record || active.has(record.blobId)) continue
      if (Object.entries(wanted).every(([member, value]) => record[member as keyof UploadRecord] === value))
        return record
    }
    return undefined
  }

  async function openSecrets({ blobId, groupId, version, sealed }: UploadRecord): Promise<FileSecrets | undefined> {
    const key = await opened.keyOf(version, groupId)
    try {
      const options = { key, rfxId: groupId, version, place: placeOf(blobId) }
      const bytes = await openRfxValue(decodeBase64Url(sealed), options)
      const secrets = { key: bytes.slice(0, keyByteLength) as ContentKey, salt: bytes.slice(keyByteLength) }
      bytes.fill(0)
      return secrets
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      return undefined
    }
  }

  async function recordDigest(name: string, recorded: Uint8Array[], digest: Uint8Array): Promise<void> {
    recorded.push(digest)
    const group = Math.floor((recorded.length - 1) / digestsPerValue)
    const digests = recorded.slice(group * digestsPerValue)
    const bytes = new Uint8Array(digests.length * digestByteLength)
    for (const [index, each] of digests.entries()) bytes.set(each, index * digestByteLength)
    await storage.put(`${name}.${group}`, encodeBase64Url(bytes))
  }

  async function readDigests(name: string): Promise<Uint8Array[]> {
    const recorded: Uint8Array[] = []
    for (let group = 0; recorded.length === group * digestsPerValue; group++) {
      const value = (await storage.get(`${name}.${group}`)) as string | undefined
      if (value === undefined) break
      const bytes = decodeBase64Url(value)
      for (let at = 0; at < bytes.byteLength; at += digestByteLength)
        recorded.push(bytes.slice(at, at + digestByteLength))
    }
    return recorded
  }

  async function removeExpired(userId: string): Promise<void> {
    for (const name of await storage.list(`${prefix}${userId}.`)) {
      const record = (await storage.get(recordNameOf(name))) as UploadRecord | undefined
      const age = record ? now().getTime() - Date.parse(record.startedAt) : Number.POSITIVE_INFINITY
      if (age > lifetimeMilliseconds) await remove(recordNameOf(name))
    }
  }

  /** The record first: it must not outlive the digests. */
  async function remove(name: string): Promise<void> {
    await storage.delete(name)
    for (const digests of await storage.list(`${name}.`)) await storage.delete(digests)
  }

  async function recordNames(userId: string): Promise<string[]> {
    const names = await storage.list(`${prefix}${userId}.`)
    return names.filter((name) => name === recordNameOf(name))
  }
}

/** A file of a document, owned by the project; or of a bid, owned by the bid. */
export function rfxFileContext(purpose: UploadTarget['purpose'], blobId: string, owner: string): Context {
  return { purpose, table: 'blob_chunk', column: 'bytes', row: blobId, owner }
}

function nameOf(userId: string, blobId: string): string {
  return `${prefix}${userId}.${blobId}`
}

/** Of the record that a value of digests belongs to, or its own. */
function recordNameOf(name: string): string {
  return name.split('.').slice(0, 3).join('.')
}

function placeOf(blobId: string) {
  return { table: 'rfx_upload', column: 'sealed', row: blobId }
}

function identityOf({ name, size, lastModified }: OutgoingFile) {
  return { name, byteLength: size, lastModified: lastModified ?? null }
}

async function sealSecrets({ key, salt }: FileSecrets, options: Parameters<typeof sealRfxValue>[1]): Promise<Bytes> {
  const bytes = new Uint8Array(keyByteLength + salt.byteLength)
  bytes.set(key)
  bytes.set(salt, keyByteLength)
  const sealed = await sealRfxValue(bytes, options)
  bytes.fill(0)
  return sealed
}

function progressOf(files: readonly OutgoingFile[], { onProgress, onResumed }: UploadOptions) {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  let resumed = 0
  onProgress?.({ done, total })
  return {
    onChunk(byteLength: number) {
      done += byteLength
      onProgress?.({ done, total })
    },
    onResumed(byteLength: number) {
      resumed += byteLength
      onResumed?.(resumed)
    },
  }
}

function chunkByteLength(byteLength: number, index: number): number {
  return Math.min(FILE_CHUNK_BYTE_LENGTH, byteLength - index * FILE_CHUNK_BYTE_LENGTH)
}

/** The id may stand for another file, when the server has lost this one. */
function unlessTaken(error: unknown): undefined {
  if (codeOf(error) !== 'conflict') throw error
  return undefined
}
