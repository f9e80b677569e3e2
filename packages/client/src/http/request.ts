import { createDpopProof } from '@nokkel/crypto'
import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import { type AnswerOf, type Endpoint, endpoints, type InputOf, isRepeatable, methodOf, urlOf } from './endpoints.ts'
import { problemOf } from './problem.ts'
import type { ServerClock } from './server-clock.ts'

interface RequestOptions {
  readonly accessToken?: string
  /** Signs a fresh DPoP proof for every attempt (RFC 9449). */
  readonly dpopSigner?: CryptoKeyPair
  readonly signal?: AbortSignal | undefined
}

export type Request = <N extends Endpoint>(
  endpoint: N,
  input: InputOf<N>,
  options?: RequestOptions,
) => Promise<AnswerOf<N>>

interface RequestDependencies {
  /** What the paths of the API are appended to; without a slash at the end. */
  readonly url: string
  readonly fetch: typeof fetch
  readonly clock: ServerClock
  /** Waits before each further attempt at a repeatable operation, in milliseconds. */
  readonly retryDelays?: readonly number[]
}

const attemptTimeoutMilliseconds = 60_000
const longestRetryAfterSeconds = 30
const busy: readonly NokkelErrorCode[] = ['unavailable', 'rate_limited', 'key_queue_full']

/**
 * Makes the one function through which everything reaches the server. A repeatable operation is tried again when no
 * answer came or the server was busy; every other one is sent exactly once.
 */
export function createRequest(dependencies: RequestDependencies): Request {
  const { url: base, fetch, clock, retryDelays = [300, 1500, 4000] } = dependencies
  return async (endpoint, input, options = {}) => {
    const delays = isRepeatable(endpoint) ? retryDelays : []
    for (let attempt = 0; ; attempt++) {
      const { offsetSeconds } = clock
      try {
        return await once(endpoint, input, options)
      } catch (error) {
        // A wrong clock here makes a proof the server refuses; its answer told the right time.
        if (codeOf(error) === 'dpop_proof_invalid' && clock.offsetSeconds !== offsetSeconds) continue
        const delay = delays[attempt]
        const wait = delay === undefined ? undefined : waitBefore(error, delay)
        if (wait === undefined) throw error
        await pause(wait, options.signal)
      }
    }
  }

  async function once<N extends Endpoint>(endpoint: N, input: InputOf<N>, options: RequestOptions) {
    const { params, query, body, bytes } = input as {
      params?: unknown
      query?: unknown
      body?: unknown
      bytes?: Uint8Array<ArrayBuffer>
    }
    const method = methodOf(endpoint)
    const url = urlOf(base, endpoint, { params, query })
    const headers = new Headers()
    if (bytes) headers.set('content-type', 'application/octet-stream')
    else if (body !== undefined) headers.set('content-type', 'application/json')
    if (options.accessToken) headers.set('authorization', `Bearer ${options.accessToken}`)
    if (options.dpopSigner)
      headers.set('dpop', await createDpopProof({ signer: options.dpopSigner, method, url, now: clock.now }))
    const timeout = AbortSignal.timeout(attemptTimeoutMilliseconds)
    try {
      const response = await fetch(url, {
        method,
        headers,
        ...(bytes ? { body: bytes } : body !== undefined ? { body: JSON.stringify(body) } : {}),
        signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      })
      clock.observe(response.headers.get('date'))
      if (!response.ok) throw await problemOf(response)
      return (await readAnswer(endpoint, response)) as AnswerOf<N>
    } catch (cause) {
      if (cause instanceof NokkelError) throw cause
      if (options.signal?.aborted) throw new NokkelError('cancelled', { cause })
      throw new NokkelError('network_unreachable', { cause, message: `No answer to ${endpoints[endpoint]}` })
    }
  }
}

async function readAnswer(endpoint: Endpoint, response: Response): Promise<unknown> {
  if (response.status === 204) return undefined
  if (endpoint === 'getBlobChunk') return new Uint8Array(await response.arrayBuffer())
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    // What the parser says quotes the answer, which may hold tokens or personal data.
    throw new NokkelError('answer_unexpected', { message: `The answer to ${endpoints[endpoint]} is not JSON` })
  }
}

function waitBefore(error: unknown, delay: number): number | undefined {
  if (!(error instanceof NokkelError)) return undefined
  if (error.code === 'network_unreachable') return delay
  if (!busy.includes(error.code)) return undefined
  const retryAfterSeconds = error.data?.retryAfterSeconds
  if (typeof retryAfterSeconds !== 'number') return delay
  return retryAfterSeconds <= longestRetryAfterSeconds ? Math.max(delay, retryAfterSeconds * 1000) : undefined
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new NokkelError('cancelled', { cause: signal.reason }))
    const abort = () => {
      clearTimeout(timer)
      reject(new NokkelError('cancelled', { cause: signal?.reason }))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
