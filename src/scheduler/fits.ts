import type { z } from 'zod'
import { findPayloadFault } from '../shared/core/payloads.ts'
import type { Submission } from '../shared/core/submission.ts'

/**
 * Refuses a task that its executor could only fail.
 *
 * @param place what stands before the field's name
 */
export const fitsExecutor =
  (place = '') =>
  ({ executor, command, payload }: Submission, context: z.RefinementCtx): void => {
    const fault = findPayloadFault(executor ?? 'simulate', command, payload ?? null)
    if (!fault) return
    const [field = ''] = /^\w+/.exec(fault) ?? []
    context.addIssue({ code: 'custom', message: place + fault, path: [field] })
  }
