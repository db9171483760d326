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
 * From the HTTP POST being sent to the task's start, one task at a time on an idle system. The start is
 * `started_at`: the database's clock less how long ago the worker says it was, so the way of the report
 * counts too; both clocks are this machine's.
 */
export async function measurePickUp(sql: Sql, url: string, samples: number): Promise<LatencyResult> {
  const latencies: number[] = []
  for (let sample = 0; sample < samples; sample++) {
    const sentAt = performance.timeOrigin + performance.now()
    const response = await fetch(`${url}/api/schedule`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        command: 'bench',
        scheduled_at: new Date(sentAt).toISOString(),
        payload: { duration_ms: 0 },
      }),
    })
    const { task_id: id } = (await response.json()) as { task_id: string }
    for (;;) {
      const [task] = await sql<{ startedAtMs: number | null }[]>`
        SELECT (extract(epoch FROM started_at) * 1000)::float8 AS "startedAtMs" FROM tasks WHERE id = ${id}`
      if (task?.startedAtMs) {
        latencies.push(task.startedAtMs - sentAt)
        break
      }
      await Bun.sleep(1)
    }
  }
  return summary(latencies)
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
