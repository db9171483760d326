import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Assignment } from '../shared/core/task.ts'
import { hideEnvironment } from '../shared/environment.ts'
import { stopOnSignal } from '../shared/lifecycle.ts'
import { createLog } from '../shared/log.ts'
import { repeat } from '../shared/repeat.ts'
import { createTaskLog } from '../shared/runtime/task-log.ts'
import { settingsOrExit } from '../shared/settings.ts'
import { helpIfAsked } from '../shared/settings-table.ts'
import { readConfig } from './config.ts'
import { listHandlersOrExit } from './handlers/names.ts'
import { openPushLink } from './links/push.ts'
import { openStreamLink } from './links/stream.ts'
import { createPool, type Pool } from './pool.ts'
import { createReporter } from './reporter.ts'
import { startSession } from './session.ts'

/** Whoever looks at the file knows nothing of other settings; see the Dockerfile's HEALTHCHECK. */
const ALIVE_INTERVAL_MS = 5000

helpIfAsked('worker', process.argv.slice(2))
const config = settingsOrExit(() => readConfig(process.env, process.argv.slice(2)))
const log = createLog({ service: 'worker', level: config.logLevel }).child({ worker: config.name })

const { executors: names, handlers } = config.settings
if (!hideEnvironment() && names.includes('shell')) {
  log.warn('Shell tasks can read the environment of this worker: /proc/self/mem cannot be written here')
}
/** What is said in the hello. */
const executors = [
  ...names.filter((name) => name !== 'function'),
  ...(names.includes('function') ? await listHandlersOrExit(handlers, log) : []),
]
const reporter = createReporter()
const taskLog = createTaskLog(log, config.taskLogs)
const ENDS = { completed: 'Completed task', failed: 'Failed task', cancelled: 'Cancelled task' } as const
const slots = createPool({
  slots: config.slots,
  settings: config.settings,
  onReport(report) {
    const { taskId, attempt, kind } = report
    if (kind !== 'started' && kind !== 'returned') taskLog.tell(ENDS[kind], taskId, { attempt })
    reporter.add(report)
  },
  onStart: ({ taskId, attempt }) => taskLog.tell('Processing task', taskId, { attempt }),
  onLines: reporter.say,
  onProgress: reporter.progress,
  onStray: (reason, taskId) =>
    log.warn({ reason, ...(taskId && { taskId }) }, 'A task left something behind that failed'),
})
const pool: Pool = {
  ...slots,
  take: (task: Assignment) => pool.takeAll([task]),
  takeAll(tasks: Assignment[]) {
    for (const { taskId, attempt } of tasks) taskLog.tell('Received task', taskId, { attempt })
    slots.takeAll(tasks)
  },
}
const shared = { config, hostname: hostname(), pool, reporter }
/** Hellos said, to whichever coordinator. */
let greetings = 0
const session = startSession({
  coordinators: config.coordinators,
  log,
  openStream: (address, isDraining) =>
    openStreamLink({ address, greeting: ++greetings, executors, isDraining, ...shared }),
  openPush: (address, isDraining) => openPushLink({ address, isDraining, ...shared, log }),
})
const { aliveFile } = config
if (aliveFile) {
  // That this process still gets round to it is all that is said: without a coordinator a worker is as alive.
  const touch = () => writeFile(aliveFile, '')
  await touch()
  repeat('Touch the file that says alive', ALIVE_INTERVAL_MS, log, touch)
}
log.info({ workerId: config.id, slots: config.slots, executors }, 'Worker started')

stopOnSignal(
  log,
  async () => {
    // What runs is finished, what waits is handed back; what does not end in time is found by the lease.
    const limit = Bun.sleep(config.drainTimeoutMs)
    session.drain()
    await Promise.race([pool.idle().then(reporter.flushed), limit])
    await session.stop()
    pool.stop()
  },
  config.drainTimeoutMs + 5000,
)
