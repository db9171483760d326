import { createBatcher } from '../shared/batcher.ts'
import { AppError } from '../shared/core/error.ts'
import type { NewTask, PastAttempt, Task } from '../shared/core/task.ts'
import { isUuid } from '../shared/core/uuid.ts'
import { resolveId } from '../shared/idempotency.ts'
import { listAttempts } from '../shared/store/attempts.ts'
import type { Sql } from '../shared/store/connect.ts'
import { readCounts } from '../shared/store/counts.ts'
import { findRelatives, type Relatives } from '../shared/store/dependencies.ts'
import { isUnavailable } from '../shared/store/errors.ts'
import { placeOf, placeOfEnd, type TaskSort } from '../shared/store/task-order.ts'
import {
  countMatches,
  findMatches,
  findTask,
  insertTasks,
  insertUnlessStored,
  isFull,
  isSearch,
  type ListedTask,
  listTasks,
  searchTasks,
  type TaskFilter,
  type TaskPage,
} from '../shared/store/tasks.ts'
import { writeCursor } from './cursor.ts'
import { type Express, NO_EXPRESS } from './express/express.ts'
import { filterFrom, type ListInput } from './list-input.ts'
import { dependenciesOf, storeTogether } from './many.ts'
import { type ManyInput, placeOfMany } from './many-input.ts'
import type { Health } from './operations/health/health.ts'
import type { BatchInput, Place, ScheduleInput, SubmitInput } from './schemas.ts'
import { totalOf } from './stats.ts'
import { delayOf, taskFrom } from './task-from.ts'

export interface TaskList {
  tasks: Task[]
  /** How many tasks match, whatever the page. */
  total: number
  /** Whether there are no more than that: of a search, only the newest SEARCH_WINDOW are counted. */
  totalIsExact: boolean
  /** Where the next page begins; null on the last. */
  nextCursor: string | null
}

export interface TaskDetail {
  task: Task
  /** The attempts before the one that is in the task itself, oldest first. */
  past: PastAttempt[]
  relatives: Relatives
}

export interface Tasks {
  /**
   * Stores a task for its time; resolves once it is durable. Under an idempotency key that was used before, the
   * task is the first one.
   *
   * @throws `conflict` when something else was asked for under that key, `invalid` when it depends on a task that does
   *   not exist
   */
  schedule(input: ScheduleInput): Promise<NewTask>
  /** Stores a task that is due now, or after a delay; otherwise like `schedule`. */
  submit(input: SubmitInput): Promise<NewTask>
  /** Stores many alike, all or none. */
  scheduleBatch(input: BatchInput): Promise<{ ids: string[]; scheduledAt: Date }>
  /**
   * Stores many that differ, all or none; their ids in order. One whose idempotency key was used before is the
   * first one.
   *
   * @param placeOf what stands before messages about one of them
   * @throws `conflict` when something else was asked for under a key; then nothing is stored
   */
  submitMany(inputs: ManyInput, placeOf?: (index: number) => Place): Promise<string[]>
  /** @throws `not_found` */
  get(id: string): Promise<Task>
  /** @throws `not_found` */
  detail(id: string): Promise<TaskDetail>
  /** @param maxBytes of a page, which then ends early */
  list(input: ListInput, maxBytes: number): Promise<TaskList>
  /** Refuses new tasks and resolves when those accepted are stored. */
  close(): Promise<void>
}

/** The use cases of tasks, the same for every edge. */
export function createTasks(
  sql: Sql,
  { stored }: Pick<Health, 'stored'>,
  express: Pick<Express, 'hand'> = NO_EXPRESS,
): Tasks {
  const inserts = createBatcher<NewTask, Outcome>({
    async write(tasks) {
      const outcomes = await insertTogether(sql, tasks)
      if (outcomes.every(({ error }) => error === undefined)) stored()
      return outcomes
    },
    maxItems: 1000,
    weigh: (task) => 1 + sizeOf(task) / 4096,
    maxWaiting: 20_000,
  })

  async function insert(task: NewTask) {
    // While others wait to be inserted, the database is busy with more than this can save.
    const outcome = inserts.waiting > 0 ? 'refused' : await express.hand(task)
    if (outcome === 'unknown') await insertUnlessStored(sql, task)
    if (outcome !== 'refused') {
      stored()
      return task
    }
    const { id, error } = await inserts.add(task)
    if (error !== undefined) throw error
    return { ...task, id: id ?? task.id }
  }

  // What depends on others goes by itself: it locks them, and strangers must not wait for that.
  async function store(task: NewTask, { depends_on: given }: Pick<SubmitInput, 'depends_on'>) {
    if (task.parents === 0) return await insert(task)
    const [id = task.id] = await storeTogether(
      sql,
      [task],
      () => dependenciesOf(task, given, ''),
      () => '',
    )
    return { ...task, id }
  }

  async function get(id: string) {
    const task = await findTask(sql, id)
    if (!task) throw new AppError('not_found', 'Task not found')
    return task
  }

  async function search(filter: TaskFilter, page: TaskPage): Promise<TaskList> {
    const [{ tasks: found, count, end }, newest] = await Promise.all([
      searchTasks(sql, filter, page),
      page.after ? countMatches(sql, filter, page.sort) : null,
    ])
    const { tasks, nextCursor } = cut(found, page.limit - 1, page)
    const { count: total, isAll } = newest ?? { count, isAll: end === null }
    return {
      tasks,
      total,
      totalIsExact: isAll,
      nextCursor: nextCursor ?? (end && writeCursor(placeOfEnd(end, page.sort))),
    }
  }

  return {
    schedule: (input) => store(taskFrom(input, input.scheduled_at), input),

    submit: (input) => store(taskFrom(input, delayOf(input)), input),

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

    submitMany: (inputs, placeOf = placeOfMany) =>
      storeTogether(
        sql,
        inputs.map((input) => taskFrom(input, input.scheduled_at ?? delayOf(input))),
        (task, index) => dependenciesOf(task, inputs[index]?.depends_on, placeOf(index).field),
        (index) => placeOf(index).itself,
      ),

    get,

    async detail(id) {
      const task = await get(id)
      const [past, relatives] = await Promise.all([
        task.attempt > 0 ? listAttempts(sql, id) : [],
        findRelatives(sql, id),
      ])
      // The task may have gone on between the two queries.
      const current = task.pickedAt ? task.attempt : task.attempt + 1
      return { task, past: past.filter(({ attempt }) => attempt < current), relatives }
    },

    async list({ limit, cursor, sort, ...conditions }, maxBytes) {
      const filter = await filterFrom(sql, conditions)
      const { q } = conditions
      // Whoever gives a whole id means that task, however old it is.
      if (q && isUuid(q) && !cursor) {
        const [task] = await findMatches(sql, [q], filter)
        if (task) return { tasks: [task], total: 1, totalIsExact: true, nextCursor: null }
      }
      const from = {
        ...(cursor && { after: cursor }),
        sort,
        isBrief: true,
        maxBytes,
      }
      // One more than asked for tells whether there is a next page.
      const page = { limit: limit + 1, ...from }
      if (isSearch(filter, sort)) return await search(filter, page)
      const [found, { count, isAll }] = await Promise.all([
        listTasks(sql, filter, page),
        countAll(sql, filter, sort),
      ])
      return { ...cut(found, limit, page), total: count, totalIsExact: isAll }
    },

    close: () => inserts.close(),
  }
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

/** What was found up to a limit, of tasks or of bytes, and where the rest begins. */
function cut(
  found: ListedTask[],
  limit: number,
  { sort, maxBytes }: Pick<TaskPage, 'sort' | 'maxBytes'>,
): Pick<TaskList, 'tasks' | 'nextCursor'> {
  const tasks = found.slice(0, limit)
  const last = found.length > limit || isFull(found, maxBytes) ? tasks.at(-1) : undefined
  return { tasks, nextCursor: last ? writeCursor(placeOf(last, sort)) : null }
}

async function countAll(
  sql: Sql,
  filter: TaskFilter,
  sort: TaskSort,
): Promise<{ count: number; isAll: boolean }> {
  if (filter.state === 'retrying' || filter.priority) return await countMatches(sql, filter, sort)
  const counts = await readCounts(sql)
  return { count: filter.state ? (counts.get(filter.state) ?? 0) : totalOf(counts), isAll: true }
}
