import { AppError } from '../../shared/core/error.ts'
import { type Preview, preview } from '../../shared/core/schedule/preview.ts'
import type { Schedule } from '../../shared/core/schedule/schedule.ts'
import { sizeOfTask, taskOfTick } from '../../shared/core/schedule/task.ts'
import { timetable } from '../../shared/core/schedule/timetable.ts'
import type { Sql } from '../../shared/store/connect.ts'
import {
  countSchedules,
  deleteSchedule,
  findSchedule,
  findScheduleByName,
  insertSchedule,
  type ListedSchedule,
  listSchedules,
  pauseSchedule,
  readClock,
  resumeSchedule,
  updateSchedule,
} from '../../shared/store/schedules.ts'
import { backfillTicks, fireByHand, type ListedTick, listTicks } from '../../shared/store/ticks.ts'
import { LIMITS } from '../schemas.ts'
import { writeScheduleCursor, writeTickCursor } from './cursor.ts'
import { fieldsFrom, isSameTiming, timingFrom } from './fields.ts'
import {
  type BackfillInput,
  type CreateScheduleInput,
  type EditScheduleInput,
  type ListSchedulesInput,
  type ListTicksInput,
  type PreviewInput,
  SCHEDULE_LIMITS,
} from './input.ts'

export interface ScheduleList {
  schedules: ListedSchedule[]
  total: number
  nextCursor: string | null
}

export interface TickList {
  ticks: ListedTick[]
  nextCursor: string | null
}

/** Every call that names a schedule throws `not_found` when there is none. */
export interface Schedules {
  /** @throws `conflict` when the name is taken, `invalid` when it would never have a tick */
  create(input: CreateScheduleInput): Promise<ListedSchedule>
  list(input: ListSchedulesInput, maxBytes: number): Promise<ScheduleList>
  get(id: string): Promise<ListedSchedule>
  /** @throws `conflict` when the name is taken, or the schedule is at another version than the one given */
  edit(id: string, input: EditScheduleInput): Promise<ListedSchedule>
  pause(id: string): Promise<ListedSchedule>
  /** Goes on with the first tick from now on. */
  resume(id: string): Promise<ListedSchedule>
  /** Starts its task at once, whatever its ticks and policies. */
  runNow(id: string): Promise<{ schedule_id: string; task_id: string }>
  /** Starts the ticks of a past time that were skipped or never came. */
  backfill(
    id: string,
    input: BackfillInput,
  ): Promise<{ schedule_id: string; count: number; ticks: number; task_ids: string[] }>
  delete(id: string): Promise<{ schedule_id: string; status: 'deleted' }>
  ticks(id: string, input: ListTicksInput): Promise<TickList>
  preview(input: PreviewInput): Promise<Preview & { now: Date; timeZone: string }>
}

/** How often what others change meanwhile is tried again. */
const TRIES = 5
const UNIQUE_VIOLATION = '23505'

/** The use cases of schedules, the same for every edge. Times are reckoned from the database's clock. */
export function createSchedules(sql: Sql): Schedules {
  async function get(id: string): Promise<ListedSchedule> {
    const schedule = await findSchedule(sql, id)
    if (!schedule) throw notFound()
    return schedule
  }

  /** Does what is right for the schedule as it is, again if it was changed meanwhile. */
  async function change(id: string, apply: (schedule: Schedule, now: Date) => Promise<Schedule | null>) {
    for (let left = TRIES; left > 0; left--) {
      const [schedule, now] = await Promise.all([get(id), readClock(sql)])
      if (await apply(schedule, now)) return await get(id)
    }
    throw new AppError('conflict', 'the schedule is being changed by others; look at it again')
  }

  return {
    async create(input) {
      const now = await readClock(sql)
      const fields = fieldsFrom(input, now)
      const nextAt = timetable(fields).next(now)
      if (!nextAt) throw new AppError('invalid', neverTicks(fields))
      const id = Bun.randomUUIDv7()
      const stored = await insertSchedule(sql, id, fields, { nextAt, paused: input.paused ?? false })
      if (!stored) throw nameTaken(fields.name)
      return { ...stored, last: null }
    },

    async list({ limit, cursor = '', name }, maxBytes) {
      if (name !== undefined) {
        const named = await findScheduleByName(sql, name)
        return { schedules: named ? [named] : [], total: named ? 1 : 0, nextCursor: null }
      }
      const [found, total] = await Promise.all([
        listSchedules(sql, { after: cursor, limit: limit + 1, maxBytes }),
        countSchedules(sql),
      ])
      const schedules = found.slice(0, limit)
      const isCut = found.length > limit || (found.at(-1)?.throughBytes ?? 0) >= maxBytes
      const last = isCut ? schedules.at(-1) : undefined
      return { schedules, total, nextCursor: last ? writeScheduleCursor(last.name) : null }
    },

    get,

    edit: (id, input) =>
      change(id, async (before, now) => {
        const { version } = input
        if (version && version !== before.version) {
          throw new AppError(
            'conflict',
            `the schedule was changed meanwhile: it is at version ${before.version}`,
          )
        }
        const fields = fieldsFrom(input, now, before)
        const table = timetable(fields)
        const nextAt = isSameTiming(before, fields) ? undefined : table.next(now)
        if (nextAt === null) throw new AppError('invalid', neverTicks(fields))
        try {
          return await updateSchedule(sql, before, fields, nextAt)
        } catch (error) {
          if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) throw nameTaken(fields.name)
          throw error
        }
      }),

    pause: (id) => change(id, () => pauseSchedule(sql, id)),

    resume: (id) =>
      change(id, async (before, now) =>
        before.pausedAt ? await resumeSchedule(sql, before, timetable(before).next(now)) : before,
      ),

    async runNow(id) {
      const schedule = await get(id)
      const task = taskOfTick(schedule, Bun.randomUUIDv7(), 'now')
      if (!(await fireByHand(sql, task))) throw notFound()
      return { schedule_id: id, task_id: task.id }
    },

    async backfill(id, { from, to }) {
      const [schedule, now] = await Promise.all([get(id), readClock(sql)])
      if (to > now) throw new AppError('invalid', 'to must not be in the future')
      const most = SCHEDULE_LIMITS.backfill
      const ticks = timetable(schedule).between(new Date(from.getTime() - 1), to, most + 1)
      if (ticks.length > most)
        throw new AppError('invalid', `from and to must be at most ${most} ticks apart`)
      if (ticks.length * sizeOfTask(schedule) > LIMITS.batchSize) {
        throw new AppError(
          'invalid',
          'from and to are too far apart for a task of that size; backfill fewer ticks at once',
        )
      }
      const tasks = ticks.map((tickAt) => taskOfTick(schedule, Bun.randomUUIDv7(), tickAt))
      const ids = tasks.length > 0 ? await backfillTicks(sql, id, tasks) : []
      return { schedule_id: id, count: ids.length, ticks: ticks.length, task_ids: ids }
    },

    async delete(id) {
      if (!(await deleteSchedule(sql, id))) throw notFound()
      return { schedule_id: id, status: 'deleted' }
    },

    async ticks(id, { limit, cursor = null }) {
      const found = await listTicks(sql, id, { before: cursor, limit: limit + 1 })
      if (found.length === 0) await get(id)
      const ticks = found.slice(0, limit)
      const last = found.length > limit ? ticks.at(-1) : undefined
      return { ticks, nextCursor: last ? writeTickCursor(last.exactTickAt) : null }
    },

    async preview({ count, ...input }) {
      const now = await readClock(sql)
      const timing = timingFrom(input, now)
      return { ...preview(timing, now, count), now, timeZone: timing.timeZone }
    },
  }
}

const notFound = () => new AppError('not_found', 'Schedule not found')

const nameTaken = (name: string) => new AppError('conflict', `name: there is another schedule called ${name}`)

const neverTicks = ({ cron, endsAt }: { cron: string | null; endsAt: Date | null }) =>
  endsAt
    ? 'ends_at is before the first tick'
    : `${cron === null ? 'every_ms' : 'cron'} names no time that is to come`
