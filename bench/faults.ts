import { join } from 'node:path'
import { readHistory } from '../src/cli/chaos/collect.ts'
import type { HistoryEvent } from '../src/cli/chaos/evidence.ts'
import { freePort } from '../src/cli/up/ports.ts'
import { newTask } from '../src/shared/core/task.ts'
import { cancelTasks } from '../src/shared/store/control.ts'
import { insertTasks } from '../src/shared/store/tasks.ts'
import { type Bench, type Process, startBenchDatabase, startProcess, temporaryFolder } from './cluster.ts'
import { percentile } from './percentile.ts'

const WORKERS = ['worker-1', 'worker-2', 'worker-3']
const KILLS = 25
const LIMIT_MS = 20_000
/** Longer than any task waits for its second run. */
const LONG_MS = 30_000

interface Recovery {
  what: string
  samples: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** What the p99 may be. */
  boundMs: number
}

/** How long the system takes to notice that a process was killed, and to go on without it. */
export async function measureFaults(json: boolean): Promise<void> {
  const say = (what: string) => {
    if (!json) console.log(what)
  }
  say('Starting PostgreSQL …')
  const database = await startBenchDatabase()
  const folder = await temporaryFolder('faults')
  const stand = createStand(database, join(folder.path, 'history.jsonl'))
  try {
    say(`Worker killed, ${KILLS} times: until its tasks run elsewhere …`)
    const worker = await stand.measureWorkerKills()
    say(`One of two coordinators killed, ${KILLS} times: until every worker is given work again …`)
    const oneOfTwo = await stand.measureCoordinatorKills(2)
    say(`The only coordinator killed and started again, ${KILLS} times: the same …`)
    const only = await stand.measureCoordinatorKills(1)
    const results = [
      summarise('worker SIGKILL → its tasks run elsewhere', worker, 1000),
      summarise('coordinator SIGKILL → dispatch resumed, two coordinators', oneOfTwo, 3000),
      summarise('coordinator SIGKILL → dispatch resumed, one, started again', only, 3000),
    ]
    if (!json) console.table(Object.fromEntries(results.map((result) => [result.what, describe(result)])))
    console.log(JSON.stringify(results))
    if (results.some(({ p99Ms, boundMs }) => p99Ms > boundMs)) process.exitCode = 1
  } finally {
    await stand.stop()
    await database.stop()
    await folder.remove()
  }
}

function createStand({ sql, settings }: Bench, historyFile: string) {
  const running = new Map<string, Process>()
  let ports: number[] = []

  async function startCoordinator(port: number) {
    const env = { COORDINATOR_PORT: String(port) }
    running.set(`${port}`, await startProcess('coordinator', `${port}`, settings, env, true))
  }

  async function startWorker(name: string) {
    const env = {
      WORKER_NAME: name,
      SIMULATE_HISTORY: historyFile,
      COORDINATOR_ADDRESS: ports.map((port) => `127.0.0.1:${port}`).join(','),
    }
    running.set(name, await startProcess('worker', name, settings, env, true))
  }

  async function start(coordinators: number) {
    await stop()
    ports = []
    while (ports.length < coordinators) ports.push(await freePort('127.0.0.1'))
    await Promise.all(ports.map(startCoordinator))
    await Promise.all(WORKERS.map(startWorker))
  }

  async function stop() {
    for (const name of [...WORKERS, ...ports.map(String)]) await running.get(name)?.stop()
    running.clear()
  }

  async function submit(count: number, durationMs: number): Promise<string[]> {
    const tasks = Array.from({ length: count }, () =>
      newTask({
        id: Bun.randomUUIDv7(),
        command: 'bench',
        payload: { duration_ms: durationMs },
        scheduledAt: new Date(),
        delayMs: 0,
        cancelGraceMs: 0,
      }),
    )
    await insertTasks(sql, tasks)
    return tasks.map(({ id }) => id)
  }

  const startsOf = async (isMeant: (event: HistoryEvent) => boolean) =>
    (await readHistory(historyFile)).filter((event) => event.event === 'start' && isMeant(event))

  async function kill(name: string): Promise<number> {
    const pid = running.get(name)?.pid as number
    const at = now()
    process.kill(pid, 'SIGKILL')
    return at
  }

  return {
    stop,

    async measureWorkerKills(): Promise<number[]> {
      await start(1)
      const samples: number[] = []
      for (let turn = 0; turn < KILLS; turn++) {
        const ids = new Set(await submit(2 * WORKERS.length, LONG_MS))
        const first = await until(async () => {
          const starts = await startsOf(({ taskId, attempt }) => ids.has(taskId) && attempt === 1)
          return starts.length === ids.size && starts
        })
        const name = WORKERS[turn % WORKERS.length] as string
        const held = first.filter(({ pid }) => pid === running.get(name)?.pid).map(({ taskId }) => taskId)
        const killedAt = await kill(name)
        const again = await until(async () => {
          const starts = await startsOf(({ taskId, attempt }) => held.includes(taskId) && attempt > 1)
          return starts.length >= held.length && starts
        })
        samples.push(...again.map(({ at }) => at - killedAt))
        await cancelTasks(sql, [...ids])
        await startWorker(name)
        await until(
          async () =>
            (await sql`SELECT FROM tasks WHERE state IN ('pending', 'assigned', 'running')`).length === 0,
        )
      }
      return samples
    },

    async measureCoordinatorKills(coordinators: number): Promise<number[]> {
      await start(coordinators)
      const samples: number[] = []
      for (let turn = 0; turn < KILLS; turn++) {
        const port = ports[turn % ports.length] as number
        const killedAt = await kill(`${port}`)
        const back = startCoordinator(port)
        const served = await until(async () => {
          await submit(WORKERS.length, 0)
          const starts = await startsOf(({ at }) => at > killedAt)
          const byWorker = Map.groupBy(starts, ({ pid }) => pid)
          return byWorker.size === WORKERS.length && byWorker
        })
        // The last worker to be served, by the first task that it started.
        samples.push(
          Math.max(...[...served.values()].map((starts) => Math.min(...starts.map(({ at }) => at)))) -
            killedAt,
        )
        await back
      }
      return samples
    },
  }
}

/** Epoch ms by the clock that executors write. */
const now = () => performance.timeOrigin + performance.now()

async function until<T>(condition: () => Promise<T | false>): Promise<T> {
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`nothing happened in ${LIMIT_MS / 1000} s`)
    await Bun.sleep(20)
  }
}

function summarise(what: string, values: number[], boundMs: number): Recovery {
  const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((p) => Math.round(percentile(values, p))) as [
    number,
    number,
    number,
  ]
  return { what, samples: values.length, p50Ms, p99Ms, maxMs, boundMs }
}

const describe = ({ samples, p50Ms, p99Ms, maxMs, boundMs }: Recovery) => ({
  samples,
  p50: `${p50Ms} ms`,
  p99: `${p99Ms} ms`,
  max: `${maxMs} ms`,
  'bound of the p99': `${boundMs} ms`,
})
