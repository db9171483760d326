import { readHistory } from '../src/cli/chaos/collect.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { readCounts } from '../src/shared/store/counts.ts'
import { insertTasks } from '../src/shared/store/tasks.ts'
import { untilCompleted } from './drain.ts'
import { post } from './http.ts'
import { epochMs } from './load.ts'
import { percentile } from './percentile.ts'
import { newTasks } from './raw.ts'

export interface LatencyResult {
  samples: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

export const summary = (values: number[]): LatencyResult => ({
  samples: values.length,
  p50Ms: percentile(values, 0.5),
  p99Ms: percentile(values, 0.99),
  maxMs: percentile(values, 1),
})

interface PickUp {
  id: string
  /** ms from the HTTP POST until it was answered, and until the handler started. */
  answeredMs: number
  startedMs: number
}

/**
 * From the HTTP POST being sent to the handler's start, one task at a time on an idle system: the next is sent
 * when the one before is recorded as completed. The workers note when a handler starts, by this machine's clock.
 *
 * @param historyFile see SIMULATE_HISTORY
 */
export async function samplePickUps(
  sql: Sql,
  url: string,
  historyFile: string,
  samples: number,
): Promise<PickUp[]> {
  const sent = new Map<string, { at: number; answeredMs: number }>()
  for (let sample = 0; sample < samples; sample++) {
    const at = epochMs()
    const { task_id: id } = await post<{ task_id: string }>(`${url}/api/schedule`, {
      command: 'bench',
      scheduled_at: new Date(at).toISOString(),
      payload: { duration_ms: 0 },
    })
    sent.set(id, { at, answeredMs: epochMs() - at })
    await untilRecorded(sql, id)
  }
  const starts = (await readHistory(historyFile)).filter(({ event }) => event === 'start')
  const pickUps = starts.flatMap(({ taskId: id, at }) => {
    const request = sent.get(id)
    return request ? [{ id, answeredMs: request.answeredMs, startedMs: at - request.at }] : []
  })
  if (pickUps.length !== samples) throw new Error(`${pickUps.length} of ${samples} tasks were started`)
  return pickUps
}

/** The same, summed up. */
export async function measurePickUp(...given: Parameters<typeof samplePickUps>): Promise<LatencyResult> {
  return summary((await samplePickUps(...given)).map(({ startedMs }) => startedMs))
}

async function untilRecorded(sql: Sql, id: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    // Looking costs the database and a core a little: no more often than tells that it is over.
    await Bun.sleep(4)
    const [task] = await sql`SELECT FROM tasks WHERE id = ${id} AND completed_at IS NOT NULL`
    if (task) return
  }
  throw new Error(`task ${id} did not complete in time`)
}

/** How late tasks start that are due at random instants of the next few seconds. */
export async function measureLateness(sql: Sql, samples: number, spreadMs: number): Promise<LatencyResult> {
  const before = (await readCounts(sql)).get('completed') ?? 0
  const tasks = newTasks(samples).map((task) => ({
    ...task,
    name: 'lateness',
    scheduledAt: new Date(Date.now() + 500 + Math.random() * spreadMs),
  }))
  await insertTasks(sql, tasks)
  await untilCompleted(sql, before + samples, spreadMs + 60_000)
  const rows = await sql<{ late: number }[]>`
    SELECT (extract(epoch FROM started_at - scheduled_at) * 1000)::float8 AS late
    FROM tasks WHERE id = ANY(${tasks.map(({ id }) => id)}::uuid[])`
  return summary(rows.map(({ late }) => late))
}
