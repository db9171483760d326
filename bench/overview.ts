import { startBenchDatabase } from './cluster.ts'
import { measureDrain } from './drain.ts'
import { print, say } from './flags.ts'
import { measureHttp } from './http.ts'
import { measureLateness, measurePickUp } from './latency.ts'
import { measureRaw } from './raw.ts'
import { memoryOf, type System, startSystem } from './system.ts'

/** Tasks before those that count: the services compile what they run often. */
export const WARM_UP = 1000

/** The figures that say whether a change costs speed. */
export async function measureOverview(tasks: number): Promise<void> {
  say('Starting PostgreSQL …')
  const database = await startBenchDatabase()
  const { sql } = database
  let system: System | undefined
  try {
    say(`(a) Raw SQL: ${tasks} tasks in batches of 1,000 …`)
    const raw = await measureRaw(sql, tasks)
    await sql`TRUNCATE task_records, ready, held, levels`
    await sql`VACUUM`

    say(`(b) Draining ${tasks} tasks through the real system …`)
    const drain = await measureDrain(sql, tasks, async () => {
      system = await startSystem(database, { schedulers: 0 })
    })
    if (!system) throw new Error('the system was not started')
    const memory: Record<string, number> = {}
    const noteMemory = async (of: System) => {
      for (const [name, mib] of Object.entries(await memoryOf(of)))
        memory[name] = Math.max(memory[name] ?? 0, mib)
    }
    await noteMemory(system)
    await system.startScheduler()

    say('(d) Pick-up: from HTTP POST to the start of the handler, one at a time …')
    // What the drain left to do, the database would do meanwhile.
    await sql`VACUUM ANALYZE`
    await sql`CHECKPOINT`
    await system.startWorkers({ history: true })
    await measurePickUp(sql, system.url, system.historyFile, WARM_UP)
    const pickUp = await measurePickUp(sql, system.url, system.historyFile, 500)
    await noteMemory(system)
    await system.startWorkers()
    say('(e) Lateness of 500 tasks due at random instants of 10 s …')
    const lateness = await measureLateness(sql, 500, 10_000)
    say('(c) Submitting over HTTP …')
    const http = await measureHttp(system.url, 100_000)
    await noteMemory(system)

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
    print(rows(result), result)
  } finally {
    await system?.stop()
    await database.stop()
  }
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
    '(c) HTTP insert, batches of 1,000': perSecond(http.batchInsertPerSecond),
    '(c) HTTP insert, one by one, 64 at once': perSecond(http.singleInsertPerSecond),
    '(d) pick-up p50 · p99': `${ms(pickUp.p50Ms)} · ${ms(pickUp.p99Ms)}`,
    '(e) lateness p50 · p99 · max': `${ms(lateness.p50Ms)} · ${ms(lateness.p99Ms)} · ${ms(lateness.maxMs)}`,
    ...Object.fromEntries(Object.entries(residentMiB).map(([name, mib]) => [`RSS ${name}`, `${mib} MiB`])),
  }
}
