import { readHistory } from '../src/cli/chaos/collect.ts'
import type { Sql } from '../src/shared/store/connect.ts'
import { readCounts } from '../src/shared/store/counts.ts'
import { insertTasks } from '../src/shared/store/tasks.ts'
import { untilCompleted } from './drain.ts'
import { percentile } from './percentile.ts'
import { newTasks } from './raw.ts'

export interface LatencyResult {
  samples: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

const summary = (values: number[]): LatencyResult => ({
  samples: values.length,
  p50Ms: percentile(values, 0.5),
  p99Ms: percentile(values, 0.99),
  maxMs: percentile(values, 1),
})

/**
 * From the HTTP POST being sent to the handler's start, one task at a time on an idle system: the next is sent
 * when the one before is recorded as completed. The workers note when a handler starts, by this machine's clock.
 *
 * @param historyFile see SIMULATE_HISTORY
 */
export async function measurePickUp(
  sql: Sql,
  url: string,
  historyFile: string,
  samples: number,
): Promise<LatencyResult> {
  const sentAt = new Map<string, number>()
  for (let sample = 0; sample < samples; sample++) {
    const now = performance.timeOrigin + performance.now()
    const response = await fetch(`${url}/api/schedule`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        command: 'bench',
        scheduled_at: new Date(now).toISOString(),
        payload: { duration_ms: 0 },
      }),
    })
    const { task_id: id } = (await response.json()) as { task_id: string }
    sentAt.set(id, now)
    await untilRecorded(sql, id)
  }
  const starts = (await readHistory(historyFile)).filter(({ event }) => event === 'start')
  const latencies = starts.flatMap(({ taskId, at }) => {
    const sent = sentAt.get(taskId)
    return sent === undefined ? [] : [at - sent]
  })
  if (latencies.length !== samples) throw new Error(`${latencies.length} of ${samples} tasks were started`)
  return summary(latencies)
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
