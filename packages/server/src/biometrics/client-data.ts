import { decodeBase64Url } from '@nokkel/crypto'
import { z } from 'zod'

/** What the browser says of the page that asked (WebAuthn Level 3 §5.8.1). */
export interface ClientData {
  /** As it was sent. */
  readonly challenge: string
  readonly challengeBytes: Uint8Array
  /** Whether it was asked for in a frame of somebody else's page. */
  readonly embedded: boolean
}

const CollectedClientData = z.object({
  challenge: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.unknown().optional(),
})

/** `null` for what names no challenge. */
export function parseClientData(text: string): ClientData | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64Url(text)))
    const { challenge, crossOrigin, topOrigin } = CollectedClientData.parse(json)
    const embedded = crossOrigin === true || topOrigin !== undefined
    return { challenge, challengeBytes: decodeBase64Url(challenge), embedded }
  } catch (cause) {
    if (cause instanceof z.ZodError || cause instanceof SyntaxError || cause instanceof TypeError) return null
    throw cause
  }
}
