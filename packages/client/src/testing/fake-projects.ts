import type { Rfx, RfxEntry, RfxWrap } from '@nokkel/contract'
import { calculateWrapLeaf, decodeBase64, encodeBase64Url, hashWrap, type Thumbprint } from '@nokkel/crypto'
import type { FakePerson } from './fake-sessions.ts'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

/** Projects of one person for the fake server: as they were made, and nobody else in them. */
export function createFakeProjects({
  userOf,
  isoNow,
}: {
  readonly userOf: (exchange: Exchange) => FakePerson
  readonly isoNow: () => string
}) {
  const projects = new Map<string, { readonly creator: FakePerson; readonly rfx: Rfx; readonly entry: RfxEntry }>()

  function projectOf(exchange: Exchange) {
    const project = projects.get(exchange.params.id ?? '')
    if (project?.creator !== userOf(exchange)) throw new Refusal('not_found', 404)
    return project
  }

  const handlers: Handlers = {
    async createRfx(exchange) {
      const creator = userOf(exchange)
      const { id, companyId, manifest, title } = exchange.body
      const wrap = (manifest.wraps as RfxWrap[]).find(({ ownerId }) => ownerId === creator.id)
      if (!wrap) throw new Refusal('request_malformed', 400)
      const createdAt = isoNow()
      const { blobs: _, ...content } = title
      const company = { id: companyId, name: 'Fjord Bygg' }
      const wrapHash = await hashWrap(decodeBase64(wrap.encryptedSymmetricKey))
      const { owner, ownerId, role } = wrap
      const thumbprint = wrap.thumbprint as Thumbprint
      const of = { groupId: id, version: 1, owner, ownerId, role, thumbprint }
      // The company has no key: this is the only wrap.
      const leaves = encodeBase64Url(await calculateWrapLeaf({ ...of, wrapHash }))
      const rfx: Rfx = {
        id,
        company,
        status: 'draft',
        role: 'buyer',
        deadline: null,
        version: 1,
        rekeyPending: false,
        via: 'user',
        missing: 0,
        stale: 0,
        head: null,
        title: content,
        createdAt,
        createdBy: creator.id,
        sentAt: null,
        approvedAt: null,
        closedAt: null,
        createdByName: creator.name,
        suppliers: [],
        excluded: [],
        openers: [],
        mayNameOpeners: true,
        serverTime: createdAt,
        groups: [
          {
            id,
            kind: 'project',
            companyId,
            version: 1,
            rekeyPending: false,
            member: true,
            wrap: {
              via: 'user',
              ownerId: creator.id,
              role: 'buyer',
              keyId: wrap.keyId,
              encryptedSymmetricKey: wrap.encryptedSymmetricKey,
              revision: 1,
              thumbprint: wrap.thumbprint,
              hash: encodeBase64Url(wrapHash),
            },
            versions: [{ version: 1, previousKey: null }],
            manifest: [{ revision: 1, statement: manifest.statement, leaves, signerId: creator.id, createdAt }],
          },
        ],
      }
      const author = { id: creator.id, name: creator.name, role: 'buyer' as const }
      const entry: RfxEntry = {
        ...content,
        kind: 'title',
        objectId: id,
        revision: 1,
        author,
        createdAt,
        replaced: null,
      }
      projects.set(id, { creator, rfx, entry })
      return rfx
    },
    getRfx: (exchange) => projectOf(exchange).rfx,
    listRfx: () => ({ rfx: [] }),
    listRfxEntries: (exchange) => ({ entries: [projectOf(exchange).entry] }),
  }
  return { handlers, projects }
}
