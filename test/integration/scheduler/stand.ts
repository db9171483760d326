import { afterAll, expect } from 'bun:test'
import pino from 'pino'
import { type ActionsOptions, createActions } from '../../../src/scheduler/actions.ts'
import { createApp } from '../../../src/scheduler/app.ts'
import { type AuditorOptions, createAuditor } from '../../../src/scheduler/auditor.ts'
import { createDashboard } from '../../../src/scheduler/dashboard/dashboard.ts'
import { createDue } from '../../../src/scheduler/due.ts'
import { createExports } from '../../../src/scheduler/export/exports.ts'
import type { FeedEvent } from '../../../src/scheduler/feed/event.ts'
import { createFeed, type Feed } from '../../../src/scheduler/feed/feed.ts'
import type { Fleet } from '../../../src/scheduler/fleet/port.ts'

import { DEFAULT_LIMITS, type Limits } from '../../../src/scheduler/limits.ts'
import { createTaskLogs } from '../../../src/scheduler/logs/task-logs.ts'
import { createHealth } from '../../../src/scheduler/operations/health/health.ts'
import { createQueues } from '../../../src/scheduler/queues/queues.ts'
import { type AllowedHosts, allowedHosts } from '../../../src/scheduler/rest/hosts.ts'
import { createSchedules } from '../../../src/scheduler/schedules/schedules.ts'
import type { Services } from '../../../src/scheduler/services.ts'
import { createSite } from '../../../src/scheduler/site/site.ts'
import { createStreams } from '../../../src/scheduler/streams.ts'
import { createTasks } from '../../../src/scheduler/tasks.ts'
import { explainWait } from '../../../src/scheduler/why.ts'
import { createWorkers } from '../../../src/scheduler/workers.ts'
import { createWorkflows } from '../../../src/scheduler/workflows/workflows.ts'
import { connect, type DatabaseSettings, type Sql } from '../../../src/shared/store/connect.ts'
import { claimTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { registerWorker } from '../../../src/shared/store/workers.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

export interface Stand {
  database: TestDatabase
  sql: Sql
  services: Services
  feed: Feed
  app: ReturnType<typeof createApp>
  /** What the scheduler logged. */
  logged: { level: number; msg: string; [key: string]: unknown }[]
  /** What the fleet was asked for. */
  asked: string[]
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  /** A body as it stands, with these headers. */
  send(
    path: string,
    body: string | Uint8Array<ArrayBuffer> | ReadableStream,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** Ends what holds the database; also done by itself when the test file ends. */
  end(): Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  /** Parsed when it is JSON: tests assert what it is. */
  body: ReturnType<typeof JSON.parse>
}

export interface StandOptions {
  /** Where the scheduler finds its database, when that is not the test's own address of it. */
  through?: Partial<DatabaseSettings>
  fleet?: Fleet
  coordinators?: string[]
  maxEvents?: number
  resumeEvents?: number
  keepAliveMs?: number
  dashboardKeepMs?: number
  /** The folder of a built dashboard. */
  site?: string
  hosts?: AllowedHosts | null
  origins?: string[]
  limits?: Partial<Limits>
  /** The address by which it decides whom it answers to; default loopback. */
  listensOn?: string
  actions?: Partial<ActionsOptions>
  audit?: Partial<AuditorOptions>
}

const stands: Stand[] = []

/** The whole scheduler on a database of its own, without a socket: asked by `app.request()`. */
export async function createStand(options: StandOptions = {}): Promise<Stand> {
  const database = await createTestDatabase()
  const sql = options.through ? connect({ ...database.settings, ...options.through }) : database.sql
  const logged: Stand['logged'] = []
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const asked: string[] = []
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const fleet = options.fleet ?? {
    isScalable: true,
    scale: async (count: number) => `scale ${asked.push(`scale ${count}`) && count}`,
    kill: async ({ name }: { name: string }) => `kill ${asked.push(`kill ${name}`) && name}`,
  }
  const feed = createFeed({
    sql,
    log,
    maxEvents: options.maxEvents ?? 250,
    ...(options.resumeEvents && { resumeEvents: options.resumeEvents }),
  })
  const actions = createActions({ sql, budgetMs: 5000, ...options.actions })
  const health = createHealth({ sql, feed, log, coordinators: options.coordinators ?? ['127.0.0.1:1'] })
  const services: Services = {
    sql,
    tasks: createTasks(sql, health),
    taskLogs: createTaskLogs({ sql, feed }),
    exports: createExports(sql),
    actions,
    workflows: createWorkflows(sql, actions),
    queues: createQueues({ sql, log }),
    schedules: createSchedules(sql),
    auditor: createAuditor({ sql, log, silenceMs: 15_000, ...options.audit }),
    why: (id: string) => explainWait(sql, id, { silenceMs: 15_000, startsPerSecond: 10 }),
    workers: createWorkers({ sql, fleet, silenceMs: 15_000, log }),
    due: createDue(sql),
    autoscaler: null,
    feed,
    dashboard: createDashboard({
      ...{ sql, feed, health, log, silenceMs: 15_000, fleet: () => fleet.isScalable },
      ...(options.dashboardKeepMs && { keepMs: options.dashboardKeepMs }),
    }),
    health,
    site: createSite(options.site ?? '/nowhere'),
    hosts: options.hosts === undefined ? allowedHosts(options.listensOn ?? '127.0.0.1', []) : options.hosts,
    limits,
    streams: createStreams(limits.streams, limits.streamsPerCaller),
    origins: new Set(options.origins),
    commandLine: { prefix: null, coordinator: 'localhost:8080' },
    log,
    keepAliveMs: options.keepAliveMs ?? 15_000,
    requestTimeoutMs: 10_000,
  }
  await Promise.all([feed.start(), services.taskLogs.start()])
  const app = createApp(services)

  async function ask(path: string, init?: RequestInit): Promise<Answer> {
    const response = await app.request(path, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  const json = { 'content-type': 'application/json' }
  const stand: Stand = {
    database,
    sql: database.sql,
    services,
    feed,
    app,
    logged,
    asked,
    get: (path, headers) => ask(path, headers ? { headers } : undefined),
    post: (path, body) => ask(path, { method: 'POST', headers: json, body: JSON.stringify(body) }),
    send: (path, body, headers = json) => ask(path, { method: 'POST', headers, body }),
    async end() {
      await Promise.all([services.dashboard.stop(), feed.stop(), services.taskLogs.stop()])
      await services.health.stop()
      if (sql !== database.sql) await sql.end({ timeout: 1 })
    },
  }
  stands.push(stand)
  return stand
}

/** Writes a live worker's row, as a coordinator does; the row tells of itself. */
export async function addWorker(sql: Sql, id: number, name: string, hostname = 'host'): Promise<void> {
  const identity = { link: 'stream' as const, slots: 5, labels: [], executors: ['simulate'], pid: 1 }
  await registerWorker(
    sql,
    { id, name, address: `${hostname}:9000`, hostname, ...identity },
    crypto.randomUUID(),
    crypto.randomUUID(),
  )
}

/** How many tasks the table holds. */
export async function countTasks(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) FROM tasks`
  return row?.count ?? 0
}

/** Lets a worker claim so many due tasks; their ids. */
export async function claim(sql: Sql, workerId: number, count: number): Promise<string[]> {
  const claimed = await claimTasks(sql, Array<number>(count).fill(workerId))
  return claimed.map(({ taskId }) => taskId)
}

/** Lets a worker report of its first attempts at these tasks. */
export async function report(
  sql: Sql,
  kind: 'started' | 'completed' | 'failed',
  workerId: number,
  taskIds: string[],
  ranMs = 0,
): Promise<void> {
  const times = { startedAt: 0, endedAt: kind === 'started' ? null : ranMs }
  const error = kind === 'failed' ? 'it broke' : null
  const reports = taskIds.map((taskId) => ({
    ...{ taskId, attempt: 1, workerId, kind, slot: 1, error, output: null },
    ...times,
  }))
  await settleTasks(sql, reports, ranMs)
}

/** Asserts that an answer is a refusal in the shape of errors. */
export function refuses(answer: Answer, status: number, error: string | RegExp, code: string) {
  expect(answer.status).toBe(status)
  expect(answer.body.code).toBe(code)
  if (typeof error === 'string') expect(answer.body.error).toBe(error)
  else expect(answer.body.error).toMatch(error)
}

/** What every worker object has. */
export const WORKER_KEYS =
  'id name address status online slots busy_slots current_task_id current_task_ids tasks_completed last_active_at'.split(
    ' ',
  )

export const typesOf = (events: FeedEvent[]) => events.map(({ type }) => type)

afterAll(async () => {
  await Promise.all(stands.map((stand) => stand.end()))
})
