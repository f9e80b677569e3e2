import { NokkelError, type NokkelErrorCode } from '../errors.ts'

/**
 * What the {@link UserIdentityRepository} throws, whatever has failed below it. The message can be shown to a person; neither
 * it nor anything else in the error tells of somebody. There is no `cause`: it may quote what was sent or answered.
 *
 * @example
 * ```ts
 * const { identity } = createNokkel({ organization: 'likeperson' })
 * await identity.declineOffered().catch((error) => {
 *   if (error instanceof IdentityRepositoryError && error.code === 'login_too_old') console.log('Log in again.')
 *   else throw error
 * })
 * ```
 */
export class IdentityRepositoryError extends NokkelError {
  override readonly name = 'IdentityRepositoryError'

  /** @param retryAfterSeconds - When it may be tried again, where that is known. */
  constructor(code: NokkelErrorCode, message = 'This did not work. Try again.', retryAfterSeconds?: number) {
    super(code, { message, ...(retryAfterSeconds !== undefined && { data: { retryAfterSeconds } }) })
  }
}
