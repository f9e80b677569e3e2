import { type MadeWrap, makeWraps, type WrapJob, type WrapRecipient } from './key-wrapper.ts'

/** The first message has the job, each of the others some recipients. */
export type WrapRequest = { readonly job: WrapJob } | { readonly part: number; readonly recipients: WrapRecipient[] }

/** Without wraps when that went wrong. */
export interface WrapAnswer {
  readonly part: number
  readonly wraps: (MadeWrap | null)[] | null
}

let job: WrapJob | undefined

addEventListener('message', ({ data }: MessageEvent<WrapRequest>) => {
  if ('job' in data) {
    job = data.job
    return
  }
  const { part, recipients } = data
  if (!job) throw new TypeError('the job comes first')
  const answer = (wraps: WrapAnswer['wraps']) => postMessage({ part, wraps } satisfies WrapAnswer)
  makeWraps(job, recipients).then(answer, () => answer(null))
})
