import type { Sql } from '../src/shared/store/connect.ts'
import { readCounts } from '../src/shared/store/counts.ts'
import { type newTasks, preload } from './raw.ts'

export interface DrainResult {
  tasks: number
  seconds: number
  perSecond: number
}

/**
 * Drains preloaded tasks through the real system.
 *
 * @param run starts the coordinator; the time counts from the first claim to the last completion, by the
 *   database's clock
 * @param fields what each task has besides
 */
export async function measureDrain(
  sql: Sql,
  count: number,
  run: () => Promise<unknown>,
  fields?: Parameters<typeof newTasks>[1],
): Promise<DrainResult> {
  const before = (await readCounts(sql)).get('completed') ?? 0
  const first = await preload(sql, count, fields)
  await sql`CHECKPOINT`
  await run()
  await untilCompleted(sql, before + count)
  const [row] = await sql<{ seconds: number }[]>`
    SELECT extract(epoch FROM max(completed_at) - min(picked_at))::float8 AS seconds
    FROM tasks WHERE id >= ${first}`
  const seconds = row?.seconds ?? Number.NaN
  return { tasks: count, seconds, perSecond: Math.round(count / seconds) }
}

export async function untilCompleted(sql: Sql, count: number, limitMs = 300_000): Promise<void> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const completed = (await readCounts(sql)).get('completed') ?? 0
    if (completed >= count) return
    if (performance.now() > deadline) throw new Error(`only ${completed} of ${count} tasks completed in time`)
    await Bun.sleep(100)
  }
}
