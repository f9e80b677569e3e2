import { NokkelError } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import type { Rfx, WorkOptions } from '../rfx-service.ts'

/** What is written in an opened project. */
export interface RfxContent
  extends Pick<
    Rfx,
    | 'rename'
    | 'specification'
    | 'saveSpecification'
    | 'comments'
    | 'comment'
    | 'documents'
    | 'addDocument'
    | 'removeDocument'
  > {
  title(): Promise<string>
  /**
   * Verifies every entry from the newest to the first.
   *
   * @throws {NokkelError} `rfx_tampered`, `rfx_rolled_back`, `signature_untrusted`.
   */
  verifyLog(options?: WorkOptions): Promise<void>
  /** Overwrites keys of files and forgets what was read. */
  forget(): void
}

export function createRfxContent(_opened: OpenedRfx): RfxContent {
  throw new NokkelError('unavailable')
}
