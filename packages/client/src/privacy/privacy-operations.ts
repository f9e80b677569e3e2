import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { openRevealed } from '../identity/open-revealed.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { PersonalData, PrivacyService } from './privacy-service.ts'

export interface PrivacyDependencies {
  readonly call: Call
  readonly session: Pick<SessionManager, 'read' | 'end'>
  readonly own: () => Promise<OwnKeys>
  readonly forgetCredentials: (userId: string) => Promise<void>
  /** Forgets what is cached of the person, and gets it anew. */
  readonly renew: () => Promise<void>
}

export function createPrivacyOperations(dependencies: PrivacyDependencies): PrivacyService {
  const { call, session, own, renew, forgetCredentials } = dependencies
  return {
    consents: async () => (await call('listConsents', {})).consents,
    async withdraw(id) {
      try {
        await call('withdrawConsent', { params: { id } })
      } finally {
        // Whether it was done is not known when no answer came.
        await renew()
      }
    },
    async exportData() {
      const { sealedPersonnummer, ...rest } = await call('exportPersonalData', {})
      const personnummer = sealedPersonnummer === null ? null : await openRevealed(sealedPersonnummer, await own())
      const data: PersonalData = { ...rest, personnummer }
      return { data, json: new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }) }
    },
    preview: () => call('previewErasure', {}),
    async erase() {
      const record = await session.read()
      if (!record) throw new NokkelError('signed_out')
      const certificate = await call('erasePerson', { body: { confirm: 'erase' } }, { ofSession: record.sessionId })
      await forgetCredentials(record.userId).catch(() => {})
      await session.end('account_erased', record.sessionId)
      return certificate
    },
  }
}
