import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { hideEnvironment } from '../shared/environment.ts'
import { stopOnSignal } from '../shared/lifecycle.ts'
import { createLog } from '../shared/log.ts'
import { repeat } from '../shared/repeat.ts'
import { helpIfAsked } from '../shared/settings-table.ts'
import { connect } from '../shared/store/connect.ts'
import { foldCounts, readStateCounts } from '../shared/store/counts.ts'
import { openDatabase } from '../shared/store/open.ts'
import { createActions } from './actions.ts'
import { createAuditor } from './auditor.ts'
import { createAutoscaler } from './autoscale/autoscaler.ts'
import { type Config, DOCKER_SOCKET, readConfig } from './config.ts'
import { createDashboard } from './dashboard/dashboard.ts'
import { createDue } from './due.ts'
import { createExports } from './export/exports.ts'
import { createExpress, NO_EXPRESS } from './express/express.ts'
import { createLine } from './express/line.ts'
import { createFeed } from './feed/feed.ts'
import { chooseFleet } from './fleet/choose.ts'
import { createTaskLogs } from './logs/task-logs.ts'
import { createHealth } from './operations/health/health.ts'
import { createQueues } from './queues/queues.ts'
import { createSchedules } from './schedules/schedules.ts'
import { startServer } from './server.ts'
import { createSite } from './site/site.ts'
import { createStreams } from './streams.ts'
import { createTasks } from './tasks.ts'
import { explainWait } from './why.ts'
import { createWorkers } from './workers.ts'
import { createWorkflows } from './workflows/workflows.ts'

const LOOK_INTERVAL_MS = 5000
const EXPRESS_INTERVAL_MS = 500
const FOLD_INTERVAL_MS = 5000
const AUDIT_INTERVAL_MS = 10_000
const POLL_INTERVAL_MS = 10_000
/** How often the number of workers is looked at, by one of all schedulers. */
const AUTOSCALE_INTERVAL_MS = 2000
const DRAIN_MS = 5000
const STOP_MS = 10_000

helpIfAsked('scheduler', process.argv.slice(2))
const config = configOrExit()
const log = createLog({ service: 'scheduler', level: config.logLevel })

hideEnvironment()
const sql = connect(config.database)
await openDatabase(sql, config.database, config.databaseTries, log)

const fleet = chooseFleet(config, log)
const feed = createFeed({ sql, log, maxEvents: config.maxLogEvents, maxFollowers: config.limits.streams })
const workers = createWorkers({ sql, fleet, silenceMs: config.silenceMs, log })
const due = createDue(sql)
const autoscaler =
  config.autoscale &&
  createAutoscaler({
    ...{ sql, log, workers, due, fleet, policy: config.autoscale },
    intervalMs: AUTOSCALE_INTERVAL_MS,
  })
// What is asked for many tasks ends well before its request does.
const actions = createActions({ sql, budgetMs: config.requestTimeoutMs / 2 })
const healthSql = connect({ ...config.database, poolMax: 3 })
const health = createHealth({ sql: healthSql, feed, log, coordinators: config.coordinators })
const wellCoordinators = () =>
  health.view().coordinators.flatMap(({ state, address }) => (state === 'ok' ? address : []))
const express = config.express
  ? createExpress(wellCoordinators, (address) => createLine(address, health.id))
  : NO_EXPRESS
const services = {
  sql,
  tasks: createTasks(sql, health, express),
  taskLogs: createTaskLogs({ sql, feed }),
  exports: createExports(sql),
  actions,
  workflows: createWorkflows(sql, actions),
  queues: createQueues({ sql, log }),
  schedules: createSchedules(sql),
  why: (id: string) =>
    explainWait(sql, id, { silenceMs: config.silenceMs, startsPerSecond: feed.completedPerSecond() }),
  auditor: createAuditor({
    ...{ sql, log, silenceMs: config.silenceMs },
    areReportsLate: () => health.view().state !== 'ok',
  }),
  workers,
  due,
  autoscaler,
  feed,
  dashboard: createDashboard({
    ...{ sql, feed, health, log },
    silenceMs: config.silenceMs,
    fleet: () => fleet.isScalable,
  }),
  health,
  site: createSite(join(import.meta.dir, '..', '..', 'web', 'dist')),
  hosts: config.hosts,
  origins: config.origins,
  commandLine: { prefix: config.commandLine, coordinator: config.coordinators[0] ?? '' },
  limits: config.limits,
  streams: createStreams(config.limits.streams, config.limits.streamsPerCaller),
  log,
  keepAliveMs: 15_000,
  requestTimeoutMs: config.requestTimeoutMs,
}

await Promise.all([feed.start(), services.taskLogs.start()]).catch((error) =>
  fail('Could not listen to the database', error),
)
health.start()
const expressing = repeat('Express', EXPRESS_INTERVAL_MS, log, async () => express.look())
// Coordinators fold too; without one, what is submitted must not pile up.
const folding = repeat('fold counts', FOLD_INTERVAL_MS, log, () => foldCounts(sql))
const scaling = autoscaler && repeat('Autoscaling', AUTOSCALE_INTERVAL_MS / 2, log, autoscaler.tick)
/** For people who look in the log for what waits. */
async function poll() {
  const { pending, assigned, running } = await readStateCounts(sql)
  log.info({ pending, assigned, running }, `polling: ${pending} tasks pending`)
}
if (config.taskLogs > 0)
  await poll().catch((error) => log.warn({ err: error }, 'Could not look at what is pending'))
const polling = config.taskLogs > 0 ? repeat('Look at what is pending', POLL_INTERVAL_MS, log, poll) : null
const auditing = repeat('Audit', AUDIT_INTERVAL_MS, log, services.auditor.tick)
await fleet.look?.()
const looking = repeat('Look for the fleet', LOOK_INTERVAL_MS, log, async () => await fleet.look?.())
const server = serveOrExit()
log.info({ port: server.port, host: config.host }, `Starting scheduler server on :${server.port}`)

stopOnSignal(
  log,
  async () => {
    health.leave()
    await server.stop(DRAIN_MS)
    await Promise.all([folding.stop(), auditing.stop(), polling?.stop(), looking.stop(), scaling?.stop()])
    await expressing.stop()
    express.stop()
    await health.stop()
    await Promise.all([sql.end({ timeout: 1 }), healthSql.end({ timeout: 1 })])
  },
  STOP_MS,
)

function configOrExit(): Config {
  try {
    return readConfig(process.env, process.argv.slice(2), {
      hasLauncher: typeof process.send === 'function',
      hasDockerSocket: existsSync(DOCKER_SOCKET),
      hostName: hostname(),
    })
  } catch (error) {
    createLog({ service: 'scheduler', level: 'info' }).fatal((error as Error).message)
    process.exit(1)
  }
}

function serveOrExit() {
  try {
    return startServer(services, config)
  } catch (error) {
    return fail(`Could not serve on ${config.host}:${config.port}: ${reasonOf(error)}`, error)
  }
}

function fail(message: string, error: unknown): never {
  log.fatal({ reason: reasonOf(error) }, message)
  process.exit(1)
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return [code, message].filter(Boolean).join(': ') || String(error)
}
