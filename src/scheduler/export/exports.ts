import { AppError } from '../../shared/core/error.ts'
import type { Task } from '../../shared/core/task.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { placeOf } from '../../shared/store/task-order.ts'
import {
  isFull,
  isSearch,
  type ListedTask,
  listTasks,
  type Position,
  SEARCH_WINDOW,
  searchTasks,
  type TaskFilter,
  type TaskPage,
} from '../../shared/store/tasks.ts'
import { type ExportInput, filterFrom } from '../list-input.ts'
import { createTurns } from './turns.ts'

export interface Exports {
  /**
   * All tasks that match, page by page as they are asked for; each as it is when its page is read.
   *
   * @param sizeOf how many characters a page became, so that the next is about PAGE_SIZE
   * @throws `too_many` at the first page when too many exports are open
   */
  pages(input: ExportInput): AsyncGenerator<Task[], void, number>
  /** How many are being read. */
  readonly open: number
}

/** Exports open at once, each with a page in memory. */
const MAX_OPEN = 64
/** Pages read at once: an export must not take the connections that others need. */
const MAX_READING = 2
/** Characters that a page should become, and bytes of the database after which it ends. */
const PAGE_SIZE = 1024 * 1024
const ROWS = { first: 100, least: 1, most: 1000 }

/** Lists of any length, held one page at a time. Nothing is held in the database between two pages. */
export function createExports(sql: Sql): Exports {
  const turns = createTurns(MAX_READING)
  let open = 0

  async function readPage(
    filter: TaskFilter,
    page: TaskPage,
  ): Promise<{ tasks: ListedTask[]; next: Position | null }> {
    const placeAfter = (tasks: ListedTask[]) => {
      const last = tasks.at(-1)
      return last ? placeOf(last, page.sort) : null
    }
    if (!isSearch(filter, page.sort)) {
      const tasks = await listTasks(sql, filter, page)
      return { tasks, next: isWhole(tasks, page) ? null : placeAfter(tasks) }
    }
    const { tasks, end } = await searchTasks(sql, filter, page)
    return { tasks, next: isWhole(tasks, page) ? end : placeAfter(tasks) }
  }

  return {
    async *pages({ sort, ...conditions }) {
      if (open >= MAX_OPEN) throw new AppError('too_many', 'too many exports are being read; try again')
      open++
      try {
        const filter = await filterFrom(sql, conditions)
        let limit = ROWS.first
        let after: Position | null = null
        do {
          const page: TaskPage = {
            limit,
            maxBytes: PAGE_SIZE,
            sort,
            ...(after && { after }),
          }
          const { tasks, next } = await turns.take(() => readPage(filter, page))
          after = next
          if (tasks.length === 0) continue
          const size = yield tasks
          limit = nextLimit(size / tasks.length)
        } while (after)
      } finally {
        open--
      }
    },
    get open() {
      return open
    },
  }
}

/** Whether nothing was left out of a page. */
const isWhole = (tasks: ListedTask[], { limit, maxBytes }: TaskPage) =>
  tasks.length < limit && !isFull(tasks, maxBytes)

/** So many rows of this size make a page. */
export function nextLimit(charactersOfRow: number): number {
  const rows = Math.floor(PAGE_SIZE / Math.max(1, charactersOfRow))
  return Math.min(ROWS.most, SEARCH_WINDOW, Math.max(ROWS.least, rows))
}
