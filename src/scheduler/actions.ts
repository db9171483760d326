import { AppError } from '../shared/core/error.ts'
import type { Task } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { cancelTasks, discardTasks, hastenTasks, reviveTasks } from '../shared/store/control.ts'
import { findTask, type ListedState } from '../shared/store/tasks.ts'
import { ACTION_STATES, chooseTasks, readInstant, type TaskAction, walkTasks } from '../shared/store/walk.ts'
import { type BulkBound, writeBound } from './bulk-bound.ts'
import type { BulkCursor, BulkInput, PreviewInput } from './bulk-input.ts'
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

export interface BulkPreview {
  /** To how many tasks it would be done. */
  count: number
  /** Whether these are all; otherwise the time was over before the older ones were looked at. */
  is_all: boolean
  /** Given to the action, confines it to these. */
  bound: string
}

export interface Actions {
  /** @throws `not_found`, or `conflict` naming the state in which it does not apply */
  one(action: TaskAction, id: string): Promise<ActionDone>
  /** Does it to all that match and where it applies, in batches; the others are left as they are. */
  many(action: TaskAction, input: BulkInput): Promise<BulkDone>
  /** Counts those to which it would be done, and gives a bound by which it is done to no others. */
  preview(action: TaskAction, input: PreviewInput): Promise<BulkPreview>
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

  /** In which states it is looked for, newest first in each. */
  const statesOf = (action: TaskAction, { state }: PreviewInput): readonly ListedState[] =>
    state ? [state] : ACTION_STATES[action]
  // Only pending tasks can be run now: it is a condition there, though nobody gave it.
  const isAsked = (action: TaskAction, { state }: PreviewInput) => state !== undefined || action === 'run-now'

  /**
   * Visits the tasks that are meant, batch by batch, for as long as there is time.
   *
   * @param visit is given those of a batch that match, and says whether to go on
   * @returns where it stopped; null when there are no more
   */
  async function walk(
    action: TaskAction,
    input: PreviewInput,
    { cursor, at, until }: { cursor?: BulkCursor | undefined; at?: string; until?: BulkBound['until'] },
    visit: (ids: string[]) => Promise<boolean>,
  ): Promise<[from: ListedState | 'ids', rest: string] | null> {
    const deadline = performance.now() + budgetMs
    const isOver = () => performance.now() >= deadline
    const filter = await filterFrom(sql, input)
    const [from, rest] = cursor ?? [null, '']
    if (input.ids) {
      for (let place = Number(rest); place < input.ids.length; place += batchSize) {
        if (isOver()) return ['ids', String(place)]
        const ids = input.ids.slice(place, place + batchSize)
        if (!(await visit(await chooseTasks(sql, action, filter, ids, at)))) return null
      }
      return null
    }
    const states = statesOf(action, input)
    const last = until ? states.indexOf(until[0]) : states.length - 1
    for (const state of states.slice(Math.max(0, states.indexOf(from as ListedState)), last + 1)) {
      let after = state === from ? readCursor(rest) : null
      const end = until && state === until[0] ? readCursor(until[1]) : null
      // It stopped before it had looked at any of this state.
      if (until && state === until[0] && !end) return null
      for (;;) {
        if (isOver()) return [state, after ? writeCursor(after) : '']
        const part = { limit: batchSize, stoodAt: at, until: end ?? undefined, ...(after && { after }) }
        const steps = await walkTasks(sql, action, { ...filter, state }, isAsked(action, input), part)
        const ids = steps.filter(({ matches }) => matches).map(({ id }) => id)
        if (!(await visit(ids))) return null
        after = steps.at(-1) ?? null
        if (steps.length < batchSize) break
      }
    }
    return null
  }

  async function many(action: TaskAction, input: BulkInput): Promise<BulkDone> {
    const { cursor, bound } = input
    let left = bound ? (cursor?.[2] ?? bound.count) : Number.POSITIVE_INFINITY
    let count = 0
    const visit = async (ids: string[]) => {
      const chosen = ids.slice(0, left)
      if (chosen.length > 0) {
        const done = (await perform(action, chosen)).length
        count += done
        left -= done
      }
      return left > 0
    }
    if (left <= 0) return { count, next_cursor: null }
    const place = await walk(
      action,
      input,
      { cursor, ...(bound && { at: bound.at, until: bound.until }) },
      visit,
    )
    const next = place && [...place, ...(bound ? [left] : [])].join('.')
    return { count, next_cursor: next }
  }

  async function preview(action: TaskAction, input: PreviewInput): Promise<BulkPreview> {
    const at = await readInstant(sql)
    let count = 0
    const place = await walk(action, input, { at }, async (ids) => {
      count += ids.length
      return true
    })
    const until: BulkBound['until'] = place && place[0] !== 'ids' ? [place[0], place[1]] : null
    return { count, is_all: place === null, bound: writeBound({ at, count, until }) }
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
    preview,
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
