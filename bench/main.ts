import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../src/cli/up/ports.ts'
import type { ServiceName } from '../src/cli/up/services.ts'
import { type Process, residentMiB, startBenchDatabase, startProcess } from './cluster.ts'
import { measureDashboard } from './dashboard.ts'
import { measureDrain, measureDrains } from './drain.ts'
import { measureFaults } from './faults.ts'
import { measureHttp } from './http.ts'
import { measureLateness, measurePickUp } from './latency.ts'
import { measureLists } from './lists.ts'
import { measureRaw } from './raw.ts'

const HELP = `Measures TaskMaster on a fresh embedded PostgreSQL: 1 coordinator, 1 scheduler, 3 workers × 5 slots,
instantaneous tasks. Prints a table and a line of JSON.

  bun run bench                 everything, about a minute
  bun run bench --tasks 20000   smaller drains
  bun run bench --drain         instead: the drain alone, three times, with the processor time of a task
  bun run bench --faults        instead: how long it takes to go on after a worker or a coordinator is killed
  bun run bench --dashboard     instead: the dashboard in headless Chromium, against its budgets, about three minutes;
                                --minutes 10 watches its heap for longer (default 1)
  bun run bench --lists         instead: figures and lists at a million tasks, against their budget; --rows 100000
  bun run bench --json          the JSON alone`

/** Tasks before those that count: the services compile what they run often. */
const WARM_UP = 1000
const WORKERS = ['worker-1', 'worker-2', 'worker-3']

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(HELP)
  process.exit(0)
}
const json = args.includes('--json')
if (args.includes('--faults')) {
  await measureFaults(json)
  process.exit()
}
if (args.includes('--dashboard')) {
  await measureDashboard({ json, minutes: numberOf('--minutes', 1) })
  process.exit()
}
if (args.includes('--lists')) {
  await measureLists({ json, rows: numberOf('--rows', 1_000_000) })
  process.exit()
}
const tasks = numberOf('--tasks', 100_000)
if (args.includes('--drain')) {
  await measureDrains(tasks)
  process.exit()
}
const say = (what: string) => {
  if (!json) console.log(what)
}

say('Starting PostgreSQL …')
const database = await startBenchDatabase()
const { sql, settings } = database
const folder = await mkdtemp(join(tmpdir(), 'taskmaster-bench-history-'))
const processes = new Map<string, Process>()
try {
  say(`(a) Raw SQL: ${tasks} tasks in batches of 1,000 …`)
  const raw = await measureRaw(sql, tasks)
  await sql`TRUNCATE tasks`
  await sql`VACUUM`

  say(`(b) Draining ${tasks} tasks through the real system …`)
  const coordinatorPort = await freePort('127.0.0.1')
  const start = async (service: ServiceName, name: string, env: Record<string, string>) => {
    const process = await startProcess(service, name, settings, env)
    processes.set(name, process)
    return process
  }
  const startWorkers = (env: Record<string, string> = {}) =>
    Promise.all(
      WORKERS.map(async (name) => {
        await processes.get(name)?.stop()
        return await start('worker', name, {
          WORKER_NAME: name,
          TASK_PROCESS_TIME: '0',
          COORDINATOR_ADDRESS: `127.0.0.1:${coordinatorPort}`,
          ...env,
        })
      }),
    )
  const drain = await measureDrain(sql, tasks, async () => {
    const coordinator = await start('coordinator', 'coordinator', {
      COORDINATOR_PORT: String(coordinatorPort),
    })
    return [coordinator, ...(await startWorkers())]
  })
  const memory: Record<string, number> = {}
  const noteMemory = async () => {
    for (const { name, pid } of processes.values())
      memory[name] = Math.max(memory[name] ?? 0, await residentMiB(pid))
  }
  await noteMemory()

  const scheduler = await start('scheduler', 'scheduler', {
    COORDINATOR_ADDRESS: `127.0.0.1:${coordinatorPort}`,
  })
  const url = `http://127.0.0.1:${scheduler.port}`

  say('(d) Pick-up: from HTTP POST to the start of the handler, one at a time …')
  // What the drain left to do, the database would do meanwhile.
  await sql`VACUUM ANALYZE`
  await sql`CHECKPOINT`
  const historyFile = join(folder, 'history.jsonl')
  await startWorkers({ SIMULATE_HISTORY: historyFile })
  await measurePickUp(sql, url, historyFile, WARM_UP)
  const pickUp = await measurePickUp(sql, url, historyFile, 500)
  await noteMemory()
  await startWorkers()
  say('(e) Lateness of 500 tasks due at random instants of 10 s …')
  const lateness = await measureLateness(sql, 500, 10_000)
  say('(c) Submitting over HTTP …')
  const http = await measureHttp(url, 100_000)
  await noteMemory()

  const result = {
    raw,
    drain,
    drainToRaw: Number((drain.perSecond / raw.claimAndSettlePerSecond).toFixed(2)),
    http,
    pickUp,
    lateness,
    residentMiB: memory,
  }
  say('')
  if (!json) console.table(rows(result))
  console.log(JSON.stringify(result))
} finally {
  await Promise.allSettled([...processes.values()].map((process) => process.stop()))
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)

function numberOf(flag: string, otherwise: number): number {
  const at = args.indexOf(flag)
  return (at >= 0 && Number(args[at + 1])) || otherwise
}

function rows({
  raw,
  drain,
  drainToRaw,
  http,
  pickUp,
  lateness,
  residentMiB,
}: {
  raw: Awaited<ReturnType<typeof measureRaw>>
  drain: Awaited<ReturnType<typeof measureDrain>>
  drainToRaw: number
  http: Awaited<ReturnType<typeof measureHttp>>
  pickUp: Awaited<ReturnType<typeof measurePickUp>>
  lateness: Awaited<ReturnType<typeof measureLateness>>
  residentMiB: Record<string, number>
}): Record<string, string> {
  const ms = (value: number) => `${value.toFixed(2)} ms`
  const perSecond = (value: number) => `${value.toLocaleString('en')} tasks/s`
  return {
    '(a) raw insert': perSecond(raw.insertPerSecond),
    '(a) raw claim': perSecond(raw.claimPerSecond),
    '(a) raw settle': perSecond(raw.settlePerSecond),
    '(a) raw claim + settle': perSecond(raw.claimAndSettlePerSecond),
    '(b) drain': `${perSecond(drain.perSecond)} (${drain.tasks.toLocaleString('en')} in ${drain.seconds.toFixed(2)} s)`,
    '(b) / (a)': String(drainToRaw),
    '(b) processor time of a task: coordinator · workers': `${drain.processorMicros.coordinator} · ${drain.processorMicros.workers} µs`,
    '(c) HTTP insert, batches of 1,000': perSecond(http.batchInsertPerSecond),
    '(c) HTTP insert, one by one, 64 at once': perSecond(http.singleInsertPerSecond),
    '(d) pick-up p50 · p99': `${ms(pickUp.p50Ms)} · ${ms(pickUp.p99Ms)}`,
    '(e) lateness p50 · p99 · max': `${ms(lateness.p50Ms)} · ${ms(lateness.p99Ms)} · ${ms(lateness.maxMs)}`,
    ...Object.fromEntries(Object.entries(residentMiB).map(([name, mib]) => [`RSS ${name}`, `${mib} MiB`])),
  }
}
