import { AppError } from '../../shared/core/error.ts'
import { isEnded, type TaskState } from '../../shared/core/task.ts'
import { LOGS_CHANNEL, listen, type Subscription } from '../../shared/store/channel.ts'
import type { Sql } from '../../shared/store/connect.ts'
import { isUnavailable } from '../../shared/store/errors.ts'
import {
  findStanding,
  hasMore,
  type LinePosition,
  listLogs,
  type StoredLine,
} from '../../shared/store/logs.ts'
import type { Feed } from '../feed/feed.ts'
import { createBell } from './bell.ts'

/** Lines of one look. */
const PAGE = 500
const PAGE_BYTES = 1024 * 1024
/** ms between two looks at a task that says much, and after which one is taken though nobody was told anything. */
const PAUSE_MS = 100
const RECHECK_MS = 2000

export const FROM_START: LinePosition = { attempt: 0, seq: 0 }

/** What a look at a task found that the one before did not. */
export interface TaskNews {
  lines: StoredLine[]
  /** Where the next look goes on. */
  after: LinePosition
  state: TaskState
  attempt: number
  progress: number | null
}

export interface TaskLogs {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Lines after a position, in order, so many or so many bytes.
   *
   * @returns and where the next ones begin; null when there were no more
   * @throws `not_found`
   */
  list(
    taskId: string,
    after: LinePosition,
    limit: number,
    maxBytes: number,
  ): Promise<{ lines: StoredLine[]; next: LinePosition | null }>
  /**
   * What is there after a position, then what comes, until the task has ended and all was told. The first news comes
   * at once, whether or not there are lines.
   *
   * @throws `not_found`, `too_many` followers, or `unavailable` when the server stops
   */
  follow(taskId: string, after: LinePosition, signal: AbortSignal | undefined): AsyncGenerator<TaskNews>
}

export interface TaskLogsOptions {
  sql: Sql
  /** Tells of ends for certain; notices of lines may be lost. */
  feed: Pick<Feed, 'follow'>
}

/** What tasks say, read from the tables; notices only tell when to look. */
export function createTaskLogs({ sql, feed }: TaskLogsOptions): TaskLogs {
  /** Who waits for news, by task. */
  const waiting = new Map<string, Set<() => void>>()
  let subscription: Subscription | null = null

  const ringAll = () => {
    for (const rings of waiting.values()) for (const ring of rings) ring()
  }

  function onNotice(payload: string) {
    if (payload === '*') return ringAll()
    if (waiting.size === 0) return
    for (const taskId of payload.split(',')) for (const ring of waiting.get(taskId) ?? []) ring()
  }

  function wait(taskId: string, ring: () => void): () => void {
    const rings = waiting.get(taskId) ?? new Set()
    waiting.set(taskId, rings.add(ring))
    return () => {
      rings.delete(ring)
      if (rings.size === 0 && waiting.get(taskId) === rings) waiting.delete(taskId)
    }
  }

  async function standingOf(taskId: string) {
    const standing = await findStanding(sql, taskId)
    if (!standing) throw new AppError('not_found', 'Task not found')
    return standing
  }

  /** All that there is by now, in pages; the standing first, so that an ended task's lines are all there. */
  async function* look(
    taskId: string,
    from: LinePosition,
    before: TaskNews | null,
  ): AsyncGenerator<TaskNews> {
    const standing = await standingOf(taskId)
    for (let after = from; ; ) {
      const lines = await listLogs(sql, taskId, after, PAGE, PAGE_BYTES)
      const last = lines.at(-1)
      if (last) after = { attempt: last.attempt, seq: last.seq }
      const isNew = lines.length > 0 || !before || !isSameStanding(before, standing)
      if (isNew) yield { lines, after, ...standing }
      if (!hasMore(lines, PAGE, PAGE_BYTES)) return
    }
  }

  async function* follow(
    given: string,
    from: LinePosition,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TaskNews> {
    const taskId = given.toLowerCase()
    const bell = createBell()
    const events = feed.follow('live')
    events.narrow(taskId)
    const leave = wait(taskId, bell.ring)
    let isStopping = false
    const hear = async () => {
      while (await events.take(100)) bell.ring()
      isStopping = true
      bell.ring()
    }
    const hearing = hear()
    signal?.addEventListener('abort', bell.ring)
    let after = from
    let last: TaskNews | null = null
    try {
      while (!signal?.aborted) {
        const lookedAt = performance.now()
        try {
          for await (const news of look(taskId, after, last)) {
            after = news.after
            last = news
            yield news
            if (signal?.aborted) return
          }
        } catch (error) {
          // Who has seen something waits until the database is back; who has not is told.
          if (!last || !isUnavailable(error)) throw error
        }
        if (last && isEnded(last.state)) return
        if (isStopping) throw new AppError('unavailable', 'the server is stopping')
        await bell.rung(RECHECK_MS)
        await Bun.sleep(Math.max(0, lookedAt + PAUSE_MS - performance.now()))
      }
    } finally {
      signal?.removeEventListener('abort', bell.ring)
      leave()
      events.close()
      await hearing
    }
  }

  return {
    async start() {
      subscription = await listen(sql, LOGS_CHANNEL, onNotice, ringAll)
    },
    async stop() {
      // The connection may be away, and with it whoever could answer.
      await Promise.race([subscription?.stop().catch(() => {}), Bun.sleep(500)])
    },
    async list(taskId, after, limit, maxBytes) {
      await standingOf(taskId)
      const lines = await listLogs(sql, taskId, after, limit, maxBytes)
      const last = hasMore(lines, limit, maxBytes) ? lines.at(-1) : undefined
      return { lines, next: last ? { attempt: last.attempt, seq: last.seq } : null }
    },
    follow,
  }
}

const isSameStanding = (before: TaskNews, now: Pick<TaskNews, 'state' | 'attempt' | 'progress'>) =>
  before.state === now.state && before.attempt === now.attempt && before.progress === now.progress
