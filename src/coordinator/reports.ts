import { AppError } from '../shared/core/error.ts'
import { parseExact } from '../shared/core/exact-json.ts'
import { type AttemptLog, OUTPUT_LIMITS, truncate } from '../shared/core/output.ts'
import { findJsonFault, MAX_RESULT_DEPTH, storableText, textResult } from '../shared/core/storable.ts'
import type { TaskRef } from '../shared/core/task.ts'
import { logFromMessage, progressFromMessage, reportFromMessage } from '../shared/rpc/convert.ts'
import type { Reports__Output } from '../shared/rpc/gen/grpcapi/Reports.ts'
import type { WorkerReport } from '../shared/store/dispatch.ts'
import type { Said } from './journal.ts'

/** What one message may have, at most. A worker of ours sends 500 reports and about 2000 lines. */
export const REPORTS_LIMITS = { items: 2000, logs: 2000, lines: 10_000, progress: 2000 } as const

/** The largest number of a line, and of a slot, that the database keeps. */
const MAX_SEQ = 0x7fff_ffff
const MAX_SLOT = 0x7fff

/**
 * Reads a worker's message. What is not about an attempt that this worker has in flight is left out: it would change
 * nothing in the table, and must not cost a statement to find that out.
 *
 * @param now monotonic ms as it arrives
 * @throws `too_many` when the message has more than `REPORTS_LIMITS`
 */
export function readReports(
  { items, logs, progress }: Reports__Output,
  workerId: number,
  now: number,
  isInFlight: (attempt: TaskRef) => boolean,
): { reports: WorkerReport[]; said: Said } {
  const lines = logs.reduce((sum, log) => sum + log.lines.length, 0)
  const sizes = { items: items.length, logs: logs.length, lines, progress: progress.length }
  for (const [field, most] of Object.entries(REPORTS_LIMITS)) {
    if (sizes[field as keyof typeof sizes] > most) {
      throw new AppError('too_many', `a message may have at most ${most} ${field} of reports`)
    }
  }
  const isOurs = (about: { task_id: string; attempt: number }) =>
    isInFlight({ taskId: about.task_id, attempt: about.attempt })
  return {
    reports: items.filter(isOurs).map((item) => {
      const report = reportFromMessage(item, now) as WorkerReport
      report.slot = Math.min(report.slot, MAX_SLOT)
      report.error = storable(report.error, OUTPUT_LIMITS.error)
      report.stack = storable(report.stack, OUTPUT_LIMITS.stack)
      report.output = storable(report.output, OUTPUT_LIMITS.output)
      report.result = storableResult(report.result)
      report.workerId = workerId
      return report
    }),
    said: {
      logs: logs.filter(isOurs).map((log) => ({ ...storableLog(logFromMessage(log, now)), workerId })),
      progress: progress.filter(isOurs).map((one) => ({ ...progressFromMessage(one), workerId })),
    },
  }
}

/** What cannot be stored is replaced, and what is too long is cut: neither is refused. */
const storable = (text: string | null | undefined, limit: number) =>
  text ? truncate(storableText(text), limit) : null

const storableLog = (log: AttemptLog): AttemptLog => ({
  ...log,
  lines: log.lines
    .filter(({ seq }) => seq <= MAX_SEQ)
    .map((line) => ({ ...line, text: storable(line.text, OUTPUT_LIMITS.line) ?? '' })),
})

/** A worker of ours sends none that jsonb would not take; what another sends is kept as a text. */
function storableResult(text: string | null | undefined): string | null {
  if (!text) return null
  try {
    const isSmall = text.length <= OUTPUT_LIMITS.result
    if (isSmall && findJsonFault(parseExact(text), MAX_RESULT_DEPTH) === null) return text
  } catch {
    // It is no JSON.
  }
  return textResult(text)
}
