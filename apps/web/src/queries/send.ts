import type { AssignmentDraft, OutgoingFile, SendProgress } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

type Content = Pick<AssignmentDraft, 'to' | 'title' | 'body'> & { readonly files: readonly OutgoingFile[] }

type Sending =
  | { state: 'idle' }
  | { state: 'running'; progress: SendProgress | undefined }
  | { state: 'done' }
  | { state: 'failed'; code: ErrorCode | undefined }

/** Sends one assignment at a time, with its progress and a way to stop; leaving the page stops it too. */
export function useSend() {
  const { assignments } = useNokkel()
  const queries = useQueryClient()
  const [sending, setSending] = useState<Sending>({ state: 'idle' })
  const controller = useRef<AbortController>(undefined)
  const attempted = useRef<AssignmentDraft>(undefined)

  useEffect(() => () => controller.current?.abort(), [])

  async function start(content: Content) {
    controller.current = new AbortController()
    const draft: AssignmentDraft = Object.assign(sameDraft(attempted.current, content) ?? { ...content }, {
      signal: controller.current.signal,
      onProgress: (progress: SendProgress) => setSending({ state: 'running', progress }),
    })
    attempted.current = draft
    setSending({ state: 'running', progress: undefined })
    try {
      await assignments.send(draft)
      await queries.invalidateQueries({ queryKey: ['assignments', 'sent'] })
      setSending({ state: 'done' })
    } catch (error) {
      setSending({ state: 'failed', code: codeOf(error) })
    }
  }

  function reset() {
    attempted.current = undefined
    setSending({ state: 'idle' })
  }

  return {
    ...sending,
    start: (content: Content) => void start(content),
    cancel: () => controller.current?.abort(),
    reset,
  }
}

/** The draft of the attempt before, when nothing was changed since: the SDK goes on where that one stopped. */
function sameDraft(draft: AssignmentDraft | undefined, { to, title, body, files }: Content) {
  if (draft?.title !== title || draft.body !== body || String(draft.to) !== String(to)) return undefined
  const before = draft.files ?? []
  return before.length === files.length && files.every((file, index) => file === before[index]) ? draft : undefined
}
