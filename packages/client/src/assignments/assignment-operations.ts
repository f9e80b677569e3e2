import type { AssignmentTools } from './assignment-tools.ts'
import { type OpenOptions, openAssignment } from './open-assignment.ts'
import { resendAssignment } from './resend-assignment.ts'
import { createSend } from './send-assignment.ts'

/** What is only fetched once an assignment is opened or sent: the streams of files and what seals them. */
export function createAssignmentOperations(tools: AssignmentTools) {
  return {
    send: createSend(tools),
    open: (id: string, options?: OpenOptions) => openAssignment(tools, id, options),
    resend: (id: string) => resendAssignment(tools, id),
  }
}
