import type { ParsedOf, RfxEntry } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  type Bytes,
  decodeBase64Url,
  encodeBase64Url,
  type RfxEntryKind,
  rewrapContentKey,
  sealedByteLength,
  sealRfxEntry,
  verifyRfxEntry,
} from '@nokkel/crypto'
import { openGroup, openVersion } from './keys.ts'
import { answerOf, type RfxApi, type RfxPerson, signerOf } from './person.ts'

type NewEntry = ParsedOf<typeof contract.addRfxEntry>['body']

export interface EntryOptions {
  readonly kind: RfxEntryKind
  /** Without it a new one, or the project for its title and specification. */
  readonly object?: string
  /** Without it 1, or the next one of title and specification. */
  readonly revision?: number
  readonly plaintext: Uint8Array | null
  readonly blobs?: readonly string[]
}

export const wireEntry = (
  { wrappedKey, content, statement }: { wrappedKey: Bytes | null; content: Bytes | null; statement: string },
  place: { readonly sequence: number; readonly version: number },
  blobs: readonly string[] = [],
): NewEntry => ({
  ...place,
  wrappedKey: wrappedKey && encodeBase64Url(wrappedKey),
  content: content && encodeBase64Url(content),
  statement,
  blobs: [...blobs],
})

/** The next entry of a project as its author would write it. `changed` is what they get wrong. */
export async function makeEntry(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  { kind, object, revision, plaintext, blobs }: EntryOptions,
  changed: Partial<Parameters<typeof sealRfxEntry>[0]> = {},
): Promise<NewEntry> {
  const { group, key } = await openGroup(api, author, rfxId)
  const organizationId = author.claims.organization
  const { entries } = await answerOf(api, contract.listRfxEntries, author, {
    params: { id: rfxId },
    query: { limit: '1' },
  })
  const [last] = entries as [RfxEntry]
  const content = last.content && decodeBase64Url(last.content)
  const head = await verifyRfxEntry({ ...last, organizationId, rfxId, content: content || null })
  const sequence = changed.sequence ?? last.sequence + 1
  const version = changed.version ?? group.version
  const ofProject = kind === 'title' || kind === 'specification'
  const held = ofProject ? head.current[kind] : 0
  const heldRevision = held
    ? (await answerOf(api, contract.getRfxEntry, author, { params: { id: rfxId, sequence: held } })).revision
    : 0
  const entry = await sealRfxEntry({
    organizationId,
    rfxId,
    sequence,
    kind,
    object: object ?? (ofProject ? rfxId : crypto.randomUUID()),
    revision: revision ?? heldRevision + 1,
    previous: head.digest,
    current: { ...head.current, ...(ofProject && { [kind]: sequence }) },
    plaintext,
    key,
    version,
    author: signerOf(author),
    ...changed,
  })
  return wireEntry(entry, { sequence, version }, blobs)
}

export async function writeEntry(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  options: EntryOptions,
): Promise<RfxEntry> {
  const body = await makeEntry(api, author, rfxId, options)
  return answerOf(api, contract.addRfxEntry, author, { params: { id: rfxId }, body })
}

/** Announces a file and sends its chunks. Gives its id. */
export async function sendFile(api: RfxApi, person: RfxPerson, bytes?: Bytes): Promise<string> {
  const id = crypto.randomUUID()
  const chunk = bytes ?? crypto.getRandomValues(new Uint8Array(sealedByteLength(4)))
  const { byteLength } = chunk
  await answerOf(api, contract.createBlob, person, { body: { id, byteLength, chunkCount: 1 } })
  await answerOf(api, contract.putBlobChunk, person, { params: { id, index: 0 }, bytes: chunk })
  return id
}

/** Content keys under the present version, as {@link moveContentKeys} sends them. */
export async function makeMoves(
  api: RfxApi,
  person: RfxPerson,
  rfxId: string,
): Promise<ParsedOf<typeof contract.moveContentKeys>['body']> {
  const opened = await openGroup(api, person, rfxId)
  const { keys } = await answerOf(api, contract.listStaleContentKeys, person, { params: { id: rfxId } })
  const to = { key: opened.key, version: opened.group.version }
  const moved = (keys as { sequence: number; version: number; wrappedKey: string }[]).map(
    async ({ sequence, version, wrappedKey: old }) => {
      const from = { key: await openVersion(opened, version), version }
      const next = await rewrapContentKey({ rfxId, sequence, wrappedKey: decodeBase64Url(old), from, to })
      return { sequence, old, new: encodeBase64Url(next) }
    },
  )
  return { version: to.version, keys: await Promise.all(moved) }
}

/** Puts all content keys under the present version. Gives how many. */
export async function moveContentKeys(api: RfxApi, person: RfxPerson, rfxId: string): Promise<number> {
  const body = await makeMoves(api, person, rfxId)
  if (body.keys.length === 0) return 0
  return (await answerOf(api, contract.moveContentKeys, person, { params: { id: rfxId }, body })).moved
}
