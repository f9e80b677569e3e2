import type { CompanyKey } from '@nokkel/contract'
import { formatFingerprint, type Thumbprint } from '@nokkel/crypto'

/** A managed key of a person or a company, as its owner sees it. */
export interface ManagedKeyView extends CompanyKey {
  /** 30 digits in 6 groups, to compare by telephone. */
  readonly fingerprint: string
}

export function fingerprintOf({ thumbprint }: { readonly thumbprint: string }): string {
  return formatFingerprint(thumbprint as Thumbprint)
}

export function viewOfKey(key: CompanyKey): ManagedKeyView {
  return { ...key, fingerprint: fingerprintOf(key) }
}

export function activeOf(keys: readonly ManagedKeyView[]): ManagedKeyView | undefined {
  return keys.find(({ state }) => state === 'active')
}

/** Whether something is still wrapped to an old key, so that moving it was interrupted or is still to come. */
export function isWorkLeft({ state, wraps }: ManagedKeyView): boolean {
  return (state === 'superseded' || state === 'revoked') && wraps > 0
}
