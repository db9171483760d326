import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { z } from 'zod'
import { AppError, type ErrorCode } from '../shared/core/error.ts'
import { isUuid } from '../shared/core/uuid.ts'
import type { TaskAction } from '../shared/store/walk.ts'
import { bulkInputs, previewInputs } from './bulk-input.ts'
import type { LiveMessage } from './dashboard/messages.ts'
import { within } from './deadline.ts'
import { tellFailure } from './failure.ts'
import type { FeedEvent } from './feed/event.ts'
import { type Follower, MAX_NARROWED } from './feed/feed.ts'
import { deadLettersInput, type ListInput, listInput } from './list-input.ts'
import { followInput, linesInput, writePosition } from './logs/input.ts'
import { FROM_START } from './logs/task-logs.ts'
import { type NewsView, viewLine, viewNews } from './logs/views.ts'
import { manyInput } from './many-input.ts'
import { editQueueInput, pauseQueueInput, queueNameInput } from './queues/input.ts'
import { viewQueue } from './queues/views.ts'
import {
  backfillInput,
  createScheduleInput,
  editScheduleInput,
  listSchedulesInput,
  listTicksInput,
  previewInput,
  scheduleIdInput,
} from './schedules/input.ts'
import { viewPreview, viewSchedule, viewSchedules, viewTicks } from './schedules/views.ts'
import {
  batchInput,
  killInput,
  messageOf,
  scaleInput,
  scheduleInput,
  submitInput,
  taskIdInput,
  workersInput,
} from './schemas.ts'
import type { Services } from './services.ts'
import { readStats } from './stats.ts'
import { viewAutoscaling, viewDetail, viewTask, viewWorker } from './views.ts'
import { createWorkflowInput, listWorkflowsInput, workflowIdInput } from './workflows/input.ts'
import { viewGraph, viewWorkflows } from './workflows/views.ts'

export const TRPC_CODE = {
  invalid: 'BAD_REQUEST',
  unauthorized: 'UNAUTHORIZED',
  not_found: 'NOT_FOUND',
  conflict: 'CONFLICT',
  too_many: 'TOO_MANY_REQUESTS',
  internal: 'INTERNAL_SERVER_ERROR',
  unavailable: 'SERVICE_UNAVAILABLE',
} as const satisfies Record<ErrorCode, TRPCError['code']>

/** What a request is served with: where its body has a number that would come back as another, before all else. */
type Context = Services & { inexact?: string }

const t = initTRPC.context<Context>().create({
  isDev: false,
  sse: {
    ping: { enabled: true, intervalMs: 3000 },
    client: { reconnectAfterInactivityMs: 10_000 },
  },
  errorFormatter: ({ shape, error }) =>
    error.cause instanceof z.ZodError ? { ...shape, message: messageOf(error.cause) } : shape,
})

/** The error as the caller may see it: our own by their code, the internal ones by the id in the log. */
function toTrpc(error: unknown, services: Services): TRPCError {
  const failure = tellFailure(error, services.log)
  return new TRPCError({ code: TRPC_CODE[failure.code], message: failure.error })
}

const procedure = t.procedure.use(async ({ ctx, next, type }) => {
  if (ctx.inexact) throw toTrpc(new AppError('invalid', ctx.inexact), ctx)
  const work = next()
  const limited =
    type === 'subscription'
      ? work
      : within(ctx.requestTimeoutMs, 'The answer took too long. Try again shortly.', work)
  const result = await limited.catch((error) => {
    throw toTrpc(error, ctx)
  })
  if (type === 'mutation' && !result.ok) ctx.health.refused(result.error.cause)
  // A TRPCError without a cause, or for wrong input, is tRPC's own and says what it may.
  if (result.ok || !result.error.cause || result.error.code === 'BAD_REQUEST') return result
  throw toTrpc(result.error.cause, ctx)
})

const BAD_IDS = `task_ids must be an array of 1 to ${MAX_NARROWED} UUIDs`
const watchedIds = z
  .array(z.string(BAD_IDS).refine(isUuid, BAD_IDS).toLowerCase(), BAD_IDS)
  .min(1, BAD_IDS)
  .max(MAX_NARROWED, BAD_IDS)

const liveInput = z.object({
  /** Where to resume; the client library fills it in when it reconnects. */
  lastEventId: z
    .string()
    .regex(/^\d{1,16}$/, 'lastEventId must be the id of an event')
    .nullish(),
})

const eventsInput = liveInput.extend({
  /** Only what becomes of this task. */
  task_id: z.string('task_id must be a UUID').refine(isUuid, 'task_id must be a UUID').nullish(),
})

const watchInput = z.object({ task_ids: watchedIds })

async function* streamEvents(
  services: Services,
  input: z.output<typeof eventsInput>,
  signal: AbortSignal | undefined,
) {
  if (input.task_id) {
    const { id } = await services.tasks.get(input.task_id)
    return yield* streamEventsOf(services, [id], signal)
  }
  const follower = services.feed.follow(input.lastEventId ? Number(input.lastEventId) : 'backlog')
  yield* streamFollowed(follower, signal)
}

/** How these tasks stand, then what becomes of them. Of those that do not exist nothing is told. */
async function* streamEventsOf({ feed }: Services, taskIds: string[], signal: AbortSignal | undefined) {
  const follower = feed.follow('live')
  for (const taskId of taskIds) follower.narrow(taskId)
  yield* streamFollowed(follower, signal)
}

async function* streamFollowed(follower: Follower, signal: AbortSignal | undefined) {
  signal?.addEventListener('abort', follower.close)
  try {
    for (;;) {
      const entries = await follower.take(500)
      if (!entries) break
      for (const { event } of entries) yield tracked<FeedEvent>(String(event.id), event)
    }
  } finally {
    follower.close()
  }
  // An end would tell the client that there is no more to come; an error makes it come back.
  if (!signal?.aborted) throw new AppError('unavailable', 'the server is stopping')
}

async function* streamDashboard(
  { dashboard }: Services,
  { lastEventId }: z.output<typeof liveInput>,
  signal: AbortSignal | undefined,
) {
  for await (const message of dashboard.follow(lastEventId ? Number(lastEventId) : null, signal)) {
    yield tracked<LiveMessage>(String(message.seq), message)
  }
}

/** Ends once the task has ended and all that it said was told. */
async function* streamTaskLogs(
  { taskLogs }: Services,
  { task_id, after, lastEventId }: z.output<typeof followInput>,
  signal: AbortSignal | undefined,
) {
  for await (const news of taskLogs.follow(task_id, lastEventId ?? after ?? FROM_START, signal)) {
    yield tracked<NewsView>(writePosition(news.after), viewNews(news))
  }
}

async function listTasks(services: Services, input: ListInput) {
  const { tasks, total, totalIsExact, nextCursor } = await services.tasks.list(
    input,
    services.limits.pageBytes,
  )
  const views = tasks.map((task) => viewTask(task, null))
  return { tasks: views, total, total_is_exact: totalIsExact, next_cursor: nextCursor }
}

const one = (action: TaskAction) =>
  procedure.input(taskIdInput).mutation(({ ctx, input }) => ctx.actions.one(action, input.task_id))

const many = (action: TaskAction) =>
  procedure.input(bulkInputs[action]).mutation(({ ctx, input }) => ctx.actions.many(action, input))

const preview = (action: TaskAction) =>
  procedure.input(previewInputs[action]).mutation(({ ctx, input }) => ctx.actions.preview(action, input))

export const appRouter = t.router({
  tasks: t.router({
    submit: procedure.input(submitInput).mutation(async ({ ctx, input }) => {
      const { id } = await ctx.tasks.submit(input)
      return { task_id: id }
    }),
    schedule: procedure.input(scheduleInput).mutation(async ({ ctx, input }) => {
      const task = await ctx.tasks.schedule(input)
      return { task_id: task.id, command: task.command, scheduled_at: task.scheduledAt.toISOString() }
    }),
    scheduleBatch: procedure.input(batchInput).mutation(async ({ ctx, input }) => {
      const { ids, scheduledAt } = await ctx.tasks.scheduleBatch(input)
      return { count: ids.length, task_ids: ids, scheduled_at: scheduledAt.toISOString() }
    }),
    submitMany: procedure.input(manyInput).mutation(async ({ ctx, input }) => {
      const ids = await ctx.tasks.submitMany(input)
      return { count: ids.length, task_ids: ids }
    }),
    get: procedure
      .input(taskIdInput)
      .query(async ({ ctx, input }) => viewDetail(await ctx.tasks.detail(input.task_id), null)),
    why: procedure.input(taskIdInput).query(({ ctx, input }) => ctx.why(input.task_id)),
    list: procedure.input(listInput).query(({ ctx, input }) => listTasks(ctx, input)),
    deadLetters: procedure
      .input(deadLettersInput)
      .query(({ ctx, input }) => listTasks(ctx, { ...input, state: 'failed' })),
    watch: procedure.input(watchInput).subscription(async function* ({ ctx, input, signal }) {
      try {
        yield* streamEventsOf(ctx, input.task_ids, signal)
      } catch (error) {
        throw toTrpc(error, ctx)
      }
    }),
    logs: procedure.input(linesInput).query(async ({ ctx, input }) => {
      const { lines, next } = await ctx.taskLogs.list(
        input.task_id,
        input.after ?? FROM_START,
        input.limit,
        ctx.limits.pageBytes,
      )
      return { lines: lines.map(viewLine), next: next && writePosition(next) }
    }),
    followLogs: procedure.input(followInput).subscription(async function* ({ ctx, input, signal }) {
      try {
        yield* streamTaskLogs(ctx, input, signal)
      } catch (error) {
        throw toTrpc(error, ctx)
      }
    }),
    cancel: one('cancel'),
    retry: one('retry'),
    runNow: one('run-now'),
    discard: one('discard'),
    cancelMany: many('cancel'),
    retryMany: many('retry'),
    runNowMany: many('run-now'),
    discardMany: many('discard'),
    cancelPreview: preview('cancel'),
    retryPreview: preview('retry'),
    runNowPreview: preview('run-now'),
    discardPreview: preview('discard'),
  }),
  workflows: t.router({
    create: procedure.input(createWorkflowInput).mutation(({ ctx, input }) => ctx.workflows.create(input)),
    list: procedure
      .input(listWorkflowsInput.optional())
      .query(async ({ ctx, input }) => viewWorkflows(await ctx.workflows.list(input ?? { limit: 50 }))),
    get: procedure
      .input(workflowIdInput)
      .query(async ({ ctx, input }) => viewGraph(await ctx.workflows.get(input.workflow_id))),
    cancel: procedure
      .input(workflowIdInput)
      .mutation(({ ctx, input }) => ctx.workflows.cancel(input.workflow_id)),
    retry: procedure
      .input(workflowIdInput)
      .mutation(({ ctx, input }) => ctx.workflows.retry(input.workflow_id)),
  }),
  schedules: t.router({
    create: procedure
      .input(createScheduleInput)
      .mutation(async ({ ctx, input }) => viewSchedule(await ctx.schedules.create(input))),
    list: procedure
      .input(listSchedulesInput.optional())
      .query(async ({ ctx, input }) =>
        viewSchedules(await ctx.schedules.list(input ?? { limit: 100 }, ctx.limits.pageBytes)),
      ),
    get: procedure
      .input(scheduleIdInput)
      .query(async ({ ctx, input }) => viewSchedule(await ctx.schedules.get(input.schedule_id))),
    edit: procedure
      .input(editScheduleInput.and(scheduleIdInput))
      .mutation(async ({ ctx, input }) => viewSchedule(await ctx.schedules.edit(input.schedule_id, input))),
    pause: procedure
      .input(scheduleIdInput)
      .mutation(async ({ ctx, input }) => viewSchedule(await ctx.schedules.pause(input.schedule_id))),
    resume: procedure
      .input(scheduleIdInput)
      .mutation(async ({ ctx, input }) => viewSchedule(await ctx.schedules.resume(input.schedule_id))),
    runNow: procedure
      .input(scheduleIdInput)
      .mutation(({ ctx, input }) => ctx.schedules.runNow(input.schedule_id)),
    backfill: procedure
      .input(backfillInput.and(scheduleIdInput))
      .mutation(({ ctx, input }) => ctx.schedules.backfill(input.schedule_id, input)),
    delete: procedure
      .input(scheduleIdInput)
      .mutation(({ ctx, input }) => ctx.schedules.delete(input.schedule_id)),
    ticks: procedure
      .input(listTicksInput.and(scheduleIdInput))
      .query(async ({ ctx, input }) => viewTicks(await ctx.schedules.ticks(input.schedule_id, input))),
    preview: procedure
      .input(previewInput)
      .query(async ({ ctx, input }) => viewPreview(await ctx.schedules.preview(input))),
  }),
  queues: t.router({
    list: procedure.query(async ({ ctx }) => (await ctx.queues.list()).map(viewQueue)),
    get: procedure
      .input(queueNameInput)
      .query(async ({ ctx, input }) => viewQueue(await ctx.queues.get(input.queue))),
    edit: procedure
      .input(editQueueInput.and(queueNameInput))
      .mutation(async ({ ctx, input }) => viewQueue(await ctx.queues.edit(input.queue, input))),
    pause: procedure
      .input(pauseQueueInput.and(queueNameInput))
      .mutation(async ({ ctx, input }) => viewQueue(await ctx.queues.pause(input.queue, input))),
    resume: procedure
      .input(queueNameInput)
      .mutation(async ({ ctx, input }) => viewQueue(await ctx.queues.resume(input.queue))),
  }),
  audit: procedure.query(({ ctx }) => ctx.auditor.run()),
  stats: procedure.query(({ ctx }) => readStats(ctx)),
  workers: t.router({
    list: procedure
      .input(workersInput)
      .query(async ({ ctx, input }) => (await ctx.workers.list(input)).map(viewWorker)),
    autoscaling: procedure.query(({ ctx }) => viewAutoscaling(ctx.autoscaler)),
    scale: procedure.input(scaleInput).mutation(({ ctx, input }) => ctx.workers.scale(input)),
    kill: procedure.input(killInput).mutation(({ ctx, input }) => ctx.workers.kill(input)),
  }),
  dashboard: t.router({
    live: procedure.input(liveInput.optional()).subscription(async function* ({ ctx, input, signal }) {
      try {
        yield* streamDashboard(ctx, input ?? {}, signal)
      } catch (error) {
        throw toTrpc(error, ctx)
      }
    }),
  }),
  logs: t.router({
    list: procedure.query(({ ctx }) => ctx.feed.recent()),
    stream: procedure.input(eventsInput).subscription(async function* ({ ctx, input, signal }) {
      try {
        yield* streamEvents(ctx, input, signal)
      } catch (error) {
        throw toTrpc(error, ctx)
      }
    }),
  }),
})

/** What a typed client needs to know: `createTRPCClient<AppRouter>(…)`. */
export type AppRouter = typeof appRouter

export const createCaller = t.createCallerFactory(appRouter)
