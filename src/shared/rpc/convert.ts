import { parseExact } from '../core/exact-json.ts'
import type { AttemptLog, LogStream, Progress } from '../core/output.ts'
import type { ParentOutcomes } from '../core/parents.ts'
import type { Report } from '../core/report.ts'
import type { Assignment, Json } from '../core/task.ts'
import type { AttemptLog__Output, AttemptLog as AttemptLogMessage } from './gen/grpcapi/AttemptLog.ts'
import type { Progress__Output, Progress as ProgressMessage } from './gen/grpcapi/Progress.ts'
import type { Report__Output, Report as ReportMessage } from './gen/grpcapi/Report.ts'
import type { Task__Output, Task as TaskMessage } from './gen/grpcapi/Task.ts'

const KINDS = {
  started: 'STARTED',
  completed: 'COMPLETED',
  failed: 'FAILED',
  returned: 'RETURNED',
  cancelled: 'CANCELLED',
} as const
const KIND_NAMES = {
  STARTED: 'started',
  COMPLETED: 'completed',
  FAILED: 'failed',
  RETURNED: 'returned',
  CANCELLED: 'cancelled',
} as const

const ago = (now: number, at: number | null) => (at === null ? -1 : Math.max(0, now - at))
const at = (now: number, ago: number) => (ago >= 0 && Number.isFinite(ago) ? now - ago : null)

/** @param now this process's monotonic clock as the message is sent, in ms */
export function reportToMessage(report: Report, now: number): ReportMessage {
  const { taskId, attempt, kind, slot, startedAt, endedAt, error, output, result, stack, final } = report
  return {
    task_id: taskId,
    attempt,
    kind: KINDS[kind],
    slot,
    started_ago_ms: ago(now, startedAt),
    ended_ago_ms: ago(now, endedAt),
    // What is empty is not sent at all.
    ...(error !== null && { error }),
    ...(output !== null && { output }),
    ...(result != null && { result }),
    ...(stack != null && { error_stack: stack }),
    ...(final && { final }),
  }
}

/** @param now this process's monotonic clock as the message arrives, in ms */
export function reportFromMessage(message: Report__Output, now: number): Report {
  return {
    taskId: message.task_id,
    attempt: message.attempt,
    kind: KIND_NAMES[message.kind],
    slot: message.slot,
    startedAt: at(now, message.started_ago_ms),
    endedAt: at(now, message.ended_ago_ms),
    error: message.error || null,
    output: message.output || null,
    result: message.result || null,
    stack: message.error_stack || null,
    final: message.final,
  }
}

const STREAMS = { stdout: 'STDOUT', stderr: 'STDERR', log: 'LOG' } as const
const STREAM_NAMES = { STDOUT: 'stdout', STDERR: 'stderr', LOG: 'log' } as const satisfies Record<
  string,
  LogStream
>

/** @param now as of `reportToMessage` */
export function logToMessage({ taskId, attempt, lines }: AttemptLog, now: number): AttemptLogMessage {
  return {
    task_id: taskId,
    attempt,
    lines: lines.map(({ seq, at, stream, text }) => ({
      seq,
      ago_ms: ago(now, at),
      stream: STREAMS[stream],
      text,
    })),
  }
}

/** @param now as of `reportFromMessage` */
export function logFromMessage(message: AttemptLog__Output, now: number): AttemptLog {
  return {
    taskId: message.task_id,
    attempt: message.attempt,
    lines: message.lines.map(({ seq, ago_ms, stream, text }) => ({
      seq,
      at: at(now, ago_ms) ?? now,
      stream: STREAM_NAMES[stream] ?? 'log',
      text,
    })),
  }
}

export const progressToMessage = ({ taskId, attempt, value }: Progress): ProgressMessage => ({
  task_id: taskId,
  attempt,
  value,
})

export const progressFromMessage = (message: Progress__Output): Progress => ({
  taskId: message.task_id,
  attempt: message.attempt,
  value: Math.min(1, Math.max(0, message.value || 0)),
})

export function assignmentToMessage(task: Assignment): TaskMessage {
  return {
    task_id: task.taskId,
    attempt: task.attempt,
    command: task.command,
    executor: task.executor,
    payload: task.payload === null ? '' : JSON.stringify(task.payload),
    priority: task.priority,
    timeout_ms: task.timeoutMs ?? 0,
    cancel_grace_ms: task.cancelGraceMs,
    parents: task.parents ? JSON.stringify(task.parents) : '',
  }
}

export function assignmentFromMessage(message: Task__Output): Assignment {
  return {
    taskId: message.task_id,
    attempt: message.attempt,
    command: message.command,
    executor: message.executor,
    payload: message.payload === '' ? null : (JSON.parse(message.payload) as Json),
    priority: message.priority,
    timeoutMs: message.timeout_ms || null,
    cancelGraceMs: message.cancel_grace_ms,
    parents: message.parents === '' ? null : (parseExact(message.parents) as unknown as ParentOutcomes),
  }
}
