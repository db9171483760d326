import { createBatcher } from '../shared/batcher.ts'
import { AppError } from '../shared/core/error.ts'
import {
  DEFAULT_CANCEL_GRACE_MS,
  type NewTask,
  newTask,
  type PastAttempt,
  type Task,
} from '../shared/core/task.ts'
import { listAttempts } from '../shared/store/attempts.ts'
import { isUnavailable, type Sql } from '../shared/store/connect.ts'
import { readCounts } from '../shared/store/counts.ts'
import { countMatches, findTask, insertTasks, listTasks, type TaskFilter } from '../shared/store/tasks.ts'
import { findWorkerIds } from './callings.ts'
import { writeCursor } from './cursor.ts'
import { type Asked, hashRequest, resolveId } from './idempotency.ts'
import type { BatchInput, ListInput, ScheduleInput, SubmitInput } from './schemas.ts'
import { totalOf } from './stats.ts'

export interface TaskList {
  tasks: Task[]
  /** How many tasks match, whatever the page. */
  total: number
  /** Where the next page begins; null on the last. */
  nextCursor: string | null
}

export interface TaskDetail {
  task: Task
  /** The attempts before the one that is in the task itself, oldest first. */
  past: PastAttempt[]
}

export interface Tasks {
  /**
   * Stores a task for its time; resolves once it is durable. Under an idempotency key that was used before, the
   * task is the first one.
   *
   * @throws `conflict` when something else was asked for under that key
   */
  schedule(input: ScheduleInput): Promise<NewTask>
  /** Stores a task that is due now, or after a delay; otherwise like `schedule`. */
  submit(input: SubmitInput): Promise<NewTask>
  /** Stores many alike, all or none. */
  scheduleBatch(input: BatchInput): Promise<{ ids: string[]; scheduledAt: Date }>
  /** @throws `not_found` */
  get(id: string): Promise<Task>
  /** @throws `not_found` */
  detail(id: string): Promise<TaskDetail>
  list(input: ListInput): Promise<TaskList>
  /** Refuses new tasks and resolves when those accepted are stored. */
  close(): Promise<void>
}

/** The use cases of tasks, the same for every edge. */
export function createTasks(sql: Sql): Tasks {
  const inserts = createBatcher<NewTask, Outcome>({
    write: (tasks) => insertTogether(sql, tasks),
    maxItems: 1000,
    weigh: (task) => 1 + sizeOf(task) / 4096,
    maxWaiting: 20_000,
  })

  async function insert(task: NewTask) {
    const { id, error } = await inserts.add(task)
    if (error !== undefined) throw error
    return { ...task, id: id ?? task.id }
  }

  async function get(id: string) {
    const task = await findTask(sql, id)
    if (!task) throw new AppError('not_found', 'Task not found')
    return task
  }

  return {
    schedule: (input) => insert(taskFrom(input, input.scheduled_at)),

    submit(input) {
      const delaySeconds = input.delay_seconds ?? 0
      return insert(taskFrom(input, delaySeconds > 0 ? { delaySeconds } : null))
    },

    async scheduleBatch(input) {
      const one = { ...input, idempotency_key: null }
      const at = { delaySeconds: input.delay_seconds }
      const tasks = Array.from({ length: input.count }, () => taskFrom(one, at))
      await insertTasks(sql, tasks)
      const ids = tasks.map(({ id }) => id)
      const [first] = tasks as [NewTask]
      // The time is the database's; one that ended may have been deleted by now.
      const stored = await findTask(sql, first.id)
      return { ids, scheduledAt: stored?.scheduledAt ?? first.scheduledAt }
    },

    get,

    async detail(id) {
      const task = await get(id)
      const past = task.attempt > 0 ? await listAttempts(sql, id) : []
      // The task may have gone on between the two queries.
      const current = task.pickedAt ? task.attempt : task.attempt + 1
      return { task, past: past.filter(({ attempt }) => attempt < current) }
    },

    async list({ limit, cursor, state, worker, q }) {
      const filter: TaskFilter = {
        ...(state && { state }),
        ...(worker && { workerIds: await findWorkerIds(sql, worker) }),
        ...(q && { text: q }),
      }
      // One more than asked for tells whether there is a next page.
      const [found, total] = await Promise.all([
        listTasks(sql, filter, { limit: limit + 1, ...(cursor && { after: cursor }) }),
        countAll(sql, filter),
      ])
      const tasks = found.slice(0, limit)
      const last = tasks.at(-1)
      const nextCursor =
        last && found.length > limit ? writeCursor({ scheduledAt: last.exactScheduledAt, id: last.id }) : null
      return { tasks, total, nextCursor }
    },

    close: () => inserts.close(),
  }
}

function taskFrom(input: SubmitInput, at: Asked['at']): NewTask {
  const fields = {
    command: input.command,
    name: input.name ?? '',
    description: input.description ?? '',
    executor: input.executor ?? 'simulate',
    payload: input.payload ?? null,
    priority: input.priority ?? 0,
    maxRetries: input.max_retries ?? 0,
    retryBackoffMs: input.retry_backoff_ms ?? null,
    retryBackoffCapMs: input.retry_backoff_cap_ms ?? null,
    timeoutMs: input.timeout_ms ?? null,
    cancelGraceMs: input.cancel_grace_ms ?? DEFAULT_CANCEL_GRACE_MS,
  }
  const idempotencyKey = input.idempotency_key ?? null
  const requestHash = idempotencyKey === null ? null : hashRequest({ ...fields, at })
  const ours = { id: Bun.randomUUIDv7(), idempotencyKey, requestHash }
  if (at instanceof Date) return newTask({ ...fields, ...ours, scheduledAt: at })
  const delayMs = 1000 * (at?.delaySeconds ?? 0)
  return newTask({ ...fields, ...ours, scheduledAt: new Date(Date.now() + delayMs), delayMs })
}

const sizeOf = ({ command, description, payload }: NewTask) =>
  command.length + description.length + (payload === null ? 0 : JSON.stringify(payload).length)

/** How the insert of one task went: the id of the task that it stands for, or why there is none. */
interface Outcome {
  id?: string
  error?: unknown
}

// Strangers' tasks share a statement. If PostgreSQL refuses it for what one of them holds, the others must
// not fail with it: then each goes alone.
async function insertTogether(sql: Sql, tasks: NewTask[]): Promise<Outcome[]> {
  try {
    const holders = new Map((await insertTasks(sql, tasks)).map((holder) => [holder.idempotencyKey, holder]))
    return tasks.map((task) => {
      try {
        return { id: resolveId(task, holders) }
      } catch (error) {
        return { error }
      }
    })
  } catch (error) {
    if (tasks.length === 1 || isUnavailable(error)) throw error
  }
  const results = await Promise.allSettled(tasks.map((task) => insertTogether(sql, [task])))
  return results.map((result) =>
    result.status === 'fulfilled' ? (result.value[0] ?? {}) : { error: result.reason },
  )
}

async function countAll(sql: Sql, filter: TaskFilter): Promise<number> {
  const isCounted = filter.text === undefined && filter.workerIds === undefined && filter.state !== 'retrying'
  if (!isCounted) return countMatches(sql, filter)
  const counts = await readCounts(sql)
  return filter.state ? (counts.get(filter.state) ?? 0) : totalOf(counts)
}
