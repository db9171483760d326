import type { TaskState } from '../../shared/core/task.ts'
import type { ChangeNotice } from '../../shared/store/channel.ts'

export type Level = 'info' | 'success' | 'error'

/** What happened, as watchers see it. */
export interface FeedEvent {
  /** Rises with every event of this scheduler, across its restarts too. */
  id: number
  ts: string
  timestamp: string
  type: EventType
  event: string
  level: Level
  msg: string
  task_id: string | null
  worker_id: number | null
  worker: string | null
  slot: number | null
  attempt: number | null
  /** ms that the attempt ran, or, of an assignment, that the task waited; null when unknown. */
  duration_ms: number | null
  /** How many things this event stands for. */
  count: number
}

export type EventDraft = Omit<FeedEvent, 'id'>

interface Kind {
  event: string
  level: Level
  /** After `Task <id>`, and after `<n> more tasks`. */
  verb: string
}

const KINDS = {
  scheduled: { event: 'task_scheduled', level: 'info', verb: 'scheduled' },
  assigned: { event: 'task_assigned', level: 'info', verb: 'assigned' },
  started: { event: 'task_started', level: 'info', verb: 'started' },
  completed: { event: 'task_completed', level: 'success', verb: 'completed' },
  failed: { event: 'task_failed', level: 'error', verb: 'failed' },
  cancelled: { event: 'task_cancelled', level: 'info', verb: 'cancelled' },
  retrying: { event: 'task_retrying', level: 'error', verb: 'failed and will be retried' },
  reassigned: { event: 'task_reassigned', level: 'info', verb: 'taken back to be reassigned' },
  scale: { event: 'worker_scale', level: 'info', verb: 'Workers scaled' },
  kill: { event: 'worker_kill', level: 'error', verb: 'Worker killed' },
  queue_paused: { event: 'queue_paused', level: 'info', verb: 'Queue paused' },
  queue_resumed: { event: 'queue_resumed', level: 'info', verb: 'Queue resumed' },
  worker_online: { event: 'worker_online', level: 'success', verb: 'Worker online' },
  worker_offline: { event: 'worker_offline', level: 'error', verb: 'Worker offline' },
  /** Something keeps the system from its work, or does no longer. */
  trouble: { event: 'trouble_began', level: 'error', verb: 'Trouble began' },
  recovered: { event: 'trouble_ended', level: 'success', verb: 'Trouble ended' },
  /** Events were missed here. */
  gap: { event: 'feed_gap', level: 'error', verb: 'Events may be missing here' },
} as const satisfies Record<string, Kind>

export type EventType = keyof typeof KINDS

/** The event that says a task got into this state. */
export const TYPE_OF_STATE = {
  pending: 'scheduled',
  assigned: 'assigned',
  running: 'started',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const satisfies Record<TaskState, EventType>

/** What turning notices into events needs to know. */
export interface Telling {
  nameOf(workerId: number): string
  /** Attempts whose start was told: each is told once, and before its end. */
  started: { add(key: string): void; take(key: string): boolean }
}

/**
 * The events of a notice: one for each of its rows, and one that sums up those it only counts. An attempt that
 * ended before its start was reported is given its start first.
 */
export function* describe(notice: ChangeNotice, telling: Telling): Generator<EventDraft> {
  const type = typeOf(notice.type)
  if (!type) return
  for (const [taskId, attempt, workerId = null, slot = null, ms = null, text = null] of notice.rows) {
    const subject = {
      taskId,
      attempt,
      workerId,
      worker: workerId === null ? null : telling.nameOf(workerId),
      slot,
    }
    const key = `${taskId}#${attempt}`
    if (type === 'started') telling.started.add(key)
    const isEnd = type === 'completed' || type === 'failed'
    if (isEnd && !telling.started.take(key) && ms !== null) {
      yield draft('started', notice.at - ms, { ...subject, ms: null, text: null })
    }
    yield draft(type, notice.at, { ...subject, ms, text })
  }
  const more = notice.count - notice.rows.length
  if (more > 0) {
    const noun = more === 1 ? 'more task' : 'more tasks'
    yield { ...draft(type, notice.at, {}), msg: `${more} ${noun} ${KINDS[type].verb}`, count: more }
  }
}

/** An event of this type about nothing in particular, or about a task that is now in that state. */
export function plainEvent(type: EventType, at: number, msg: string, subject: Subject = {}): EventDraft {
  return { ...draft(type, at, subject), msg }
}

/** The type that a notice's type means; null for one that a newer version sends. */
function typeOf(type: string): EventType | null {
  if (type === 'running') return 'started'
  return Object.hasOwn(KINDS, type) ? (type as EventType) : null
}

interface Subject {
  taskId?: string | null
  attempt?: number | null
  workerId?: number | null
  worker?: string | null
  slot?: number | null
  ms?: number | null
  text?: string | null
}

function draft(type: EventType, at: number, subject: Subject): EventDraft {
  const time = new Date(at).toISOString()
  return {
    ts: time,
    timestamp: time,
    type,
    event: KINDS[type].event,
    level: KINDS[type].level,
    msg: subject.taskId ? tellTask(type, subject) : subject.text || KINDS[type].verb,
    task_id: subject.taskId ?? null,
    worker_id: subject.workerId ?? null,
    worker: subject.worker ?? null,
    slot: subject.slot ?? null,
    attempt: subject.attempt ?? null,
    duration_ms: subject.ms ?? null,
    count: 1,
  }
}

function tellTask(type: EventType, { taskId, worker, ms, text }: Subject): string {
  const where = worker ? ` ${type === 'assigned' ? 'to' : 'on'} ${worker}` : ''
  const time = type === 'completed' && ms != null ? ` in ${(ms / 1000).toFixed(3)} s` : ''
  return `Task ${taskId} ${KINDS[type].verb}${where}${time}${text ? `: ${text}` : ''}`
}
