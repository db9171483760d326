import { freePort } from '../src/cli/up/ports.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { readCounts } from '../src/shared/store/counts.ts'
import { type Process, processorMs, startBenchDatabase, startProcess } from './cluster.ts'
import { preload } from './raw.ts'

export interface DrainResult {
  tasks: number
  seconds: number
  perSecond: number
  /** Processor time of one task in µs, from when they are up: the coordinator's, and that of all workers together. */
  processorMicros: { coordinator: number; workers: number }
}

/**
 * Drains preloaded tasks through the real system.
 *
 * @param run starts the coordinator, the first of what it answers with, and the workers; the time counts from the first
 *   claim to the last completion, by the database's clock
 */
export async function measureDrain(
  sql: Sql,
  count: number,
  run: () => Promise<Process[]>,
): Promise<DrainResult> {
  const before = (await readCounts(sql)).get('completed') ?? 0
  await preload(sql, count)
  await sql`CHECKPOINT`
  const processes = await run()
  const usedBefore = await usedBy(processes)
  await untilCompleted(sql, before + count)
  const used = (await usedBy(processes)).map((ms, index) => (1000 * (ms - (usedBefore[index] ?? 0))) / count)
  const [row] = await sql<{ seconds: number }[]>`
    SELECT extract(epoch FROM max(completed_at) - min(picked_at))::float8 AS seconds
    FROM (SELECT completed_at, picked_at FROM tasks ORDER BY scheduled_at DESC, id DESC LIMIT ${count}) AS last`
  const seconds = row?.seconds ?? Number.NaN
  const [coordinator = 0, ...workers] = used
  const rounded = (micros: number) => Number(micros.toFixed(1))
  return {
    tasks: count,
    seconds,
    perSecond: Math.round(count / seconds),
    processorMicros: {
      coordinator: rounded(coordinator),
      workers: rounded(workers.reduce((sum, micros) => sum + micros, 0)),
    },
  }
}

const usedBy = (processes: Process[]) => Promise.all(processes.map(({ pid }) => processorMs(pid)))

export async function untilCompleted(sql: Sql, count: number, limitMs = 300_000): Promise<void> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const completed = (await readCounts(sql)).get('completed') ?? 0
    if (completed >= count) return
    if (performance.now() > deadline) throw new Error(`only ${completed} of ${count} tasks completed in time`)
    await Bun.sleep(100)
  }
}

/** Drains one after another, each by new processes: a coordinator and three workers. Prints a line of JSON of each. */
export async function measureDrains(
  count: number,
  rounds = 3,
  env: Record<string, string> = {},
): Promise<void> {
  const { sql, settings, stop } = await startBenchDatabase()
  try {
    for (let round = 0; round < rounds; round++) {
      const processes: Process[] = []
      const result = await measureDrain(sql, count, async () => {
        const port = await freePort('127.0.0.1')
        const to = { COORDINATOR_PORT: String(port), COORDINATOR_ADDRESS: `127.0.0.1:${port}` }
        processes.push(await startProcess('coordinator', 'coordinator', settings, { ...env, ...to }))
        const startWorker = (name: string) =>
          startProcess('worker', name, settings, {
            ...{ ...env, ...to },
            ...{ WORKER_NAME: name, TASK_PROCESS_TIME: '0' },
          })
        processes.push(...(await Promise.all(['worker-1', 'worker-2', 'worker-3'].map(startWorker))))
        return processes
      })
      console.log(JSON.stringify(result))
      await Promise.all(processes.map((process) => process.stop()))
      await sql`TRUNCATE tasks CASCADE`
      await sql`VACUUM`
    }
  } finally {
    await stop()
  }
}
