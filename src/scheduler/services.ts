import type { Log } from '../shared/log.ts'
import type { Sql } from '../shared/store/connect.ts'
import type { Actions } from './actions.ts'
import type { Auditor } from './auditor.ts'
import type { Autoscaler } from './autoscale/autoscaler.ts'
import type { Dashboard } from './dashboard/dashboard.ts'
import type { Due } from './due.ts'
import type { Exports } from './export/exports.ts'
import type { Feed } from './feed/feed.ts'

import type { Limits } from './limits.ts'
import type { TaskLogs } from './logs/task-logs.ts'
import type { Health } from './operations/health/health.ts'
import type { Queues } from './queues/queues.ts'
import type { CommandLine } from './rest/command-line.ts'
import type { AllowedHosts } from './rest/hosts.ts'
import type { AllowedOrigins } from './rest/origin.ts'
import type { Schedules } from './schedules/schedules.ts'
import type { Site } from './site/site.ts'
import type { Streams } from './streams.ts'
import type { Tasks } from './tasks.ts'
import type { Why } from './why.ts'
import type { Workers } from './workers.ts'
import type { Workflows } from './workflows/workflows.ts'

/** What the edges (REST, streams, tRPC, metrics) are built on. */
export interface Services {
  sql: Sql
  tasks: Tasks
  taskLogs: TaskLogs
  actions: Actions
  workflows: Workflows
  queues: Queues
  schedules: Schedules
  auditor: Auditor
  exports: Exports
  /** Why a task does not run now. */
  why: (id: string) => Promise<Why>
  workers: Workers
  due: Due
  /** Null: people scale. */
  autoscaler: Autoscaler | null
  feed: Feed
  dashboard: Dashboard
  health: Health
  site: Site
  /** The names by which this server may be called; null: any. */
  hosts: AllowedHosts | null
  /** Other sites whose pages may use it. */
  origins: AllowedOrigins
  commandLine: CommandLine
  limits: Limits
  streams: Streams
  log: Log
  /** ms between two comments that keep an idle event stream open. */
  keepAliveMs: number
  /** ms that a request may take to answer. */
  requestTimeoutMs: number
}
