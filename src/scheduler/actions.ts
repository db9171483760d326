import { AppError } from '../shared/core/error.ts'
import type { Task } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { cancelTasks, discardTasks, hastenTasks, reviveTasks } from '../shared/store/control.ts'
import { findTask, type ListedState } from '../shared/store/tasks.ts'
import { ACTION_STATES, chooseTasks, type TaskAction, walkTasks } from '../shared/store/walk.ts'
import type { BulkInput } from './bulk-input.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { filterFrom } from './list-input.ts'

/** How a task stands after what was done to it. */
export interface ActionDone {
  task_id: string
  /** `cancelling`: its worker is being told, and the task says when it has stopped. */
  status: 'cancelled' | 'cancelling' | 'scheduled' | 'discarded'
}

export interface BulkDone {
  /** How many tasks it was done to. */
  count: number
  /** Where the same request goes on, when the time was over before all were visited; else null. */
  next_cursor: string | null
}

export interface Actions {
  /** @throws `not_found`, or `conflict` naming the state in which it does not apply */
  one(action: TaskAction, id: string): Promise<ActionDone>
  /** Does it to all that match and where it applies, in batches; the others are left as they are. */
  many(action: TaskAction, input: BulkInput): Promise<BulkDone>
}

export interface ActionsOptions {
  sql: Sql
  /** ms after which `many` begins no further batch. */
  budgetMs: number
  /** Tasks changed by one statement. */
  batchSize?: number
}

const BATCH = 1000
/** Whoever settles locks the same rows in another order; PostgreSQL ends one of the two. */
const DEADLOCK = '40P01'
const TRIES = 5

const PARTICIPLE: Record<TaskAction, string> = {
  cancel: 'cancelled',
  retry: 'retried',
  'run-now': 'run now',
  discard: 'discarded',
}

/** What operators do to tasks, the same for every edge. */
export function createActions({ sql, budgetMs, batchSize = BATCH }: ActionsOptions): Actions {
  async function perform(action: TaskAction, ids: string[]): Promise<ActionDone[]> {
    for (let left = TRIES; ; left--) {
      try {
        return await PERFORM[action](sql, ids)
      } catch (error) {
        if (left <= 1 || (error as { code?: unknown }).code !== DEADLOCK) throw error
      }
    }
  }

  async function many(action: TaskAction, input: BulkInput): Promise<BulkDone> {
    const deadline = performance.now() + budgetMs
    const isOver = () => performance.now() >= deadline
    const filter = await filterFrom(sql, input)
    let count = 0
    const performOn = async (ids: string[]) => {
      if (ids.length > 0) count += (await perform(action, ids)).length
    }

    const [from, rest] = input.cursor ?? [null, '']
    if (input.ids) {
      for (let at = Number(rest); at < input.ids.length; at += batchSize) {
        if (isOver()) return { count, next_cursor: `ids.${at}` }
        await performOn(await chooseTasks(sql, action, filter, input.ids.slice(at, at + batchSize)))
      }
      return { count, next_cursor: null }
    }
    const states: readonly ListedState[] = input.state ? [input.state] : ACTION_STATES[action]
    for (const state of states.slice(Math.max(0, states.indexOf(from as ListedState)))) {
      let after = state === from ? readCursor(rest) : null
      for (;;) {
        if (isOver()) return { count, next_cursor: `${state}.${after ? writeCursor(after) : ''}` }
        const page = { limit: batchSize, ...(after && { after }) }
        const steps = await walkTasks(sql, action, { ...filter, state }, page)
        await performOn(steps.filter(({ matches }) => matches).map(({ id }) => id))
        after = steps.at(-1) ?? null
        if (steps.length < batchSize) break
      }
    }
    return { count, next_cursor: null }
  }

  return {
    async one(action, id) {
      // What does not apply may apply by the time that we look why: then it is tried again.
      for (let left = TRIES; ; left--) {
        const [done] = await perform(action, [id])
        if (done) return done
        const task = await findTask(sql, id)
        if (!task) throw new AppError('not_found', 'Task not found')
        const applies: readonly string[] = ACTION_STATES[action]
        if (!applies.includes(task.state) || left <= 1) throw refuse(action, task)
      }
    },
    many,
  }
}

const PERFORM: Record<TaskAction, (sql: Sql, ids: string[]) => Promise<ActionDone[]>> = {
  cancel: async (sql, ids) =>
    (await cancelTasks(sql, ids)).map(({ id, ended }) => ({
      task_id: id,
      status: ended ? 'cancelled' : 'cancelling',
    })),
  retry: async (sql, ids) =>
    (await reviveTasks(sql, ids)).map((task_id) => ({ task_id, status: 'scheduled' })),
  'run-now': async (sql, ids) =>
    (await hastenTasks(sql, ids)).map((task_id) => ({ task_id, status: 'scheduled' })),
  discard: async (sql, ids) =>
    (await discardTasks(sql, ids)).map((task_id) => ({ task_id, status: 'discarded' })),
}

function refuse(action: TaskAction, { state }: Task): AppError {
  const article = state === 'assigned' ? 'an' : 'a'
  return new AppError('conflict', `${article} ${state} task cannot be ${PARTICIPLE[action]}`)
}
