import type { Call } from '../http/api.ts'
import type { AdministrationService } from './administration-service.ts'

export function createAdministrationOperations(call: Call): AdministrationService {
  return {
    loginSettings: () => call('getLoginSettings', {}),
    setMinimumAssurance: (minimumAssurance) => call('putLoginSettings', { body: { minimumAssurance } }),
    setVipps({ clientSecret, ...settings }) {
      const secret = clientSecret === undefined ? {} : { clientSecret }
      return call('putVippsSettings', { body: { ...settings, ...secret } })
    },
    setVippsCost: (cost) => call('putVippsCost', { body: cost }),
    checkVipps: async () => (await call('checkVippsSettings', {})).findings,
    async duplicates({ state, cursor, limit, signal } = {}) {
      const query = {
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
        ...(limit === undefined ? {} : { limit }),
      }
      const { duplicates, nextCursor } = await call('listDuplicates', { query }, { signal })
      return { items: duplicates, ...(nextCursor === undefined ? {} : { nextCursor }) }
    },
    previewMerge: (id, survivor) => call('previewMerge', { params: { id }, query: { survivor } }),
    merge: (id, survivor, digest) => call('mergeAccounts', { params: { id }, body: { survivor, digest } }),
    undoMerge: (id) => call('undoMerge', { params: { id } }),
    dismissDuplicate: (id) => call('dismissDuplicate', { params: { id } }),
  }
}
