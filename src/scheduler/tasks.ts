import { createBatcher } from '../shared/batcher.ts'
import { AppError } from '../shared/core/error.ts'
import { type NewTask, newTask, type Task } from '../shared/core/task.ts'
import { isUnavailable, type Sql } from '../shared/store/connect.ts'
import { readCounts } from '../shared/store/counts.ts'
import { countMatches, findTask, insertTasks, listTasks, type TaskFilter } from '../shared/store/tasks.ts'
import { listWorkerNames } from '../shared/store/workers.ts'
import { writeCursor } from './cursor.ts'
import type { BatchInput, ListInput, ScheduleInput, SubmitInput } from './schemas.ts'
import { totalOf } from './stats.ts'

export interface TaskList {
  tasks: Task[]
  /** How many tasks match, whatever the page. */
  total: number
  /** Where the next page begins; null on the last. */
  nextCursor: string | null
}

export interface Tasks {
  /** Stores a task for its time; resolves once it is durable. */
  schedule(input: ScheduleInput): Promise<NewTask>
  /** Stores a task that is due now. */
  submit(input: SubmitInput): Promise<NewTask>
  /** Stores many alike, all or none. */
  scheduleBatch(input: BatchInput): Promise<{ ids: string[]; scheduledAt: Date }>
  /** @throws `not_found` */
  get(id: string): Promise<Task>
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
    const { error } = await inserts.add(task)
    if (error !== undefined) throw error
    return task
  }

  return {
    schedule: (input) => insert(taskFrom(input, input.scheduled_at)),
    submit: (input) => insert(taskFrom(input, new Date())),

    async scheduleBatch(input) {
      const scheduledAt = new Date(Date.now() + input.delay_seconds * 1000)
      const tasks = Array.from({ length: input.count }, () => taskFrom(input, scheduledAt))
      await insertTasks(sql, tasks)
      return { ids: tasks.map(({ id }) => id), scheduledAt }
    },

    async get(id) {
      const task = await findTask(sql, id)
      if (!task) throw new AppError('not_found', 'Task not found')
      return task
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

function taskFrom(input: SubmitInput, scheduledAt: Date): NewTask {
  return newTask({
    id: Bun.randomUUIDv7(),
    command: input.command,
    scheduledAt,
    name: input.name ?? '',
    description: input.description ?? '',
    executor: input.executor ?? 'simulate',
    payload: input.payload ?? null,
    priority: input.priority ?? 0,
    maxRetries: input.max_retries ?? 0,
  })
}

const sizeOf = ({ command, description, payload }: NewTask) =>
  command.length + description.length + (payload === null ? 0 : JSON.stringify(payload).length)

/** How the insert of one task went. */
interface Outcome {
  error?: unknown
}

// Strangers' tasks share a statement. If PostgreSQL refuses it for what one of them holds, the others must
// not fail with it: then each goes alone.
async function insertTogether(sql: Sql, tasks: NewTask[]): Promise<Outcome[]> {
  try {
    await insertTasks(sql, tasks)
    return tasks.map(() => ({}))
  } catch (error) {
    if (tasks.length === 1 || isUnavailable(error)) throw error
  }
  const results = await Promise.allSettled(tasks.map((task) => insertTasks(sql, [task])))
  return results.map((result) => (result.status === 'rejected' ? { error: result.reason } : {}))
}

async function countAll(sql: Sql, filter: TaskFilter): Promise<number> {
  if (filter.text !== undefined || filter.workerIds !== undefined) return countMatches(sql, filter)
  const counts = await readCounts(sql)
  return filter.state ? (counts.get(filter.state) ?? 0) : totalOf(counts)
}

// A restarted worker has a new id and often its old name, so a name stands for all that had it.
async function findWorkerIds(sql: Sql, nameOrId: string): Promise<number[]> {
  const named = (await listWorkerNames(sql)).filter(({ name }) => name === nameOrId).map(({ id }) => id)
  const [, digits] = /^(?:Worker-)?(\d{1,10})$/.exec(nameOrId) ?? []
  return digits === undefined ? named : [...named, Number(digits)]
}
