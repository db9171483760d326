import type { Context } from 'hono'
import { AppError } from '../../shared/core/error.ts'
import {
  backfillInput,
  createScheduleInput,
  editScheduleInput,
  listSchedulesInput,
  listTicksInput,
  previewInput,
  scheduleIdInput,
} from '../schedules/input.ts'
import { viewPreview, viewSchedule, viewSchedules, viewTicks } from '../schedules/views.ts'
import { parse } from '../schemas.ts'
import { readJson } from './body.ts'
import type { Env, Route } from './route.ts'

/** The id in the path; what cannot be one names nothing. */
function idOf(c: Context<Env>): string {
  const parsed = scheduleIdInput.safeParse({ schedule_id: c.req.param('id') })
  if (!parsed.success) throw new AppError('not_found', 'Schedule not found')
  return parsed.data.schedule_id
}

const read = (c: Context<Env>) => readJson(c.req.raw)

function linkNext(c: Context<Env>, cursor: string | null) {
  if (cursor)
    c.header('Link', `<${c.req.path}?${new URLSearchParams({ ...c.req.query(), cursor })}>; rel="next"`)
}

export const scheduleRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/schedules',
    async handle(c, { schedules, limits }) {
      const input = parse(listSchedulesInput, c.req.query())
      const page = viewSchedules(await schedules.list(input, limits.pageBytes))
      c.header('X-Total-Count', String(page.total))
      linkNext(c, page.next_cursor)
      return c.json(page.schedules)
    },
  },
  {
    method: 'POST',
    path: '/api/schedules',
    handle: async (c, { schedules }) =>
      c.json(viewSchedule(await schedules.create(parse(createScheduleInput, await read(c))))),
  },
  {
    method: 'POST',
    path: '/api/schedules/preview',
    handle: async (c, { schedules }) =>
      c.json(viewPreview(await schedules.preview(parse(previewInput, await read(c))))),
  },
  {
    method: 'GET',
    path: '/api/schedules/:id',
    handle: async (c, { schedules }) => c.json(viewSchedule(await schedules.get(idOf(c)))),
  },
  {
    method: 'PATCH',
    path: '/api/schedules/:id',
    handle: async (c, { schedules }) =>
      c.json(viewSchedule(await schedules.edit(idOf(c), parse(editScheduleInput, await read(c))))),
  },
  {
    method: 'DELETE',
    path: '/api/schedules/:id',
    handle: async (c, { schedules }) => c.json(await schedules.delete(idOf(c))),
  },
  {
    method: 'POST',
    path: '/api/schedules/:id/pause',
    handle: async (c, { schedules }) => c.json(viewSchedule(await schedules.pause(idOf(c)))),
  },
  {
    method: 'POST',
    path: '/api/schedules/:id/resume',
    handle: async (c, { schedules }) => c.json(viewSchedule(await schedules.resume(idOf(c)))),
  },
  {
    method: 'POST',
    path: '/api/schedules/:id/run-now',
    handle: async (c, { schedules }) => c.json(await schedules.runNow(idOf(c))),
  },
  {
    method: 'POST',
    path: '/api/schedules/:id/backfill',
    handle: async (c, { schedules }) =>
      c.json(await schedules.backfill(idOf(c), parse(backfillInput, await read(c)))),
  },
  {
    method: 'GET',
    path: '/api/schedules/:id/ticks',
    async handle(c, { schedules }) {
      const page = viewTicks(await schedules.ticks(idOf(c), parse(listTicksInput, c.req.query())))
      linkNext(c, page.next_cursor)
      return c.json(page.ticks)
    },
  },
]
