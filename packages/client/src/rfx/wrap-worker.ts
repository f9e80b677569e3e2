import { type MadeWrap, makeWrap, type WrapJob, type WrapRecipient } from './key-wrapper.ts'

/** The first message has the job, each of the others some recipients. */
export type WrapRequest = { readonly job: WrapJob } | { readonly part: number; readonly recipients: WrapRecipient[] }

/** Without wraps when that went wrong. */
export interface WrapAnswer {
  readonly part: number
  readonly wraps: (MadeWrap | null)[] | null
}

let job: WrapJob | undefined

async function wrapAll(recipients: readonly WrapRecipient[]): Promise<(MadeWrap | null)[]> {
  if (!job) throw new TypeError('the job comes first')
  const wraps: (MadeWrap | null)[] = []
  for (const recipient of recipients) wraps.push(await makeWrap(job, recipient))
  return wraps
}

addEventListener('message', ({ data }: MessageEvent<WrapRequest>) => {
  if ('job' in data) {
    job = data.job
    return
  }
  const { part, recipients } = data
  const answer = (wraps: WrapAnswer['wraps']) => postMessage({ part, wraps } satisfies WrapAnswer)
  wrapAll(recipients).then(answer, () => answer(null))
})
