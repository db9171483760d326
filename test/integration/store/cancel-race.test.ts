import { expect, test } from 'bun:test'
import { newTask } from '../../../src/shared/core/task.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { cancelTasks } from '../../../src/shared/store/control.ts'
import { foldCounts, readCounts } from '../../../src/shared/store/counts.ts'
import { claimTasks, retryTasks, settleTasks, type WorkerReport } from '../../../src/shared/store/dispatch.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'

const WORKER = 1
const BACKOFF = { baseMs: 0, capMs: 0 }

/** What happens to a held task at the moment that it is cancelled. */
const race = fc.record({
  against: fc.constantFrom('complete', 'retry', 'fail', 'timeout'),
  /** In which turn of the event loop each of the two goes. */
  cancelTurn: fc.nat(6),
  settleTurn: fc.nat(6),
  started: fc.boolean(),
})
type Race = typeof race extends fc.Arbitrary<infer T> ? T : never

test('a cancel that races completing, retrying, failing and timing out 1,000 times ends in one state, with true counts', async () => {
  const { sql } = await createTestDatabase()
  let raced = 0
  await fc.assert(
    fc.asyncProperty(fc.array(race, { minLength: 50, maxLength: 50 }), async (races) => {
      const ids = await hold(sql, races.length, races)
      const outcomes = await Promise.all(races.map((one, index) => run(sql, ids[index]!, one)))
      raced += races.length

      const rows = await sql<{ id: string; state: string; ends: number; cancelled: boolean }[]>`
        SELECT id, state, num_nonnulls(completed_at, failed_at, cancelled_at) AS ends,
          cancelled_at IS NOT NULL AS cancelled
        FROM tasks WHERE id = ANY(${ids}::uuid[])`
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const [index, { told }] of outcomes.entries()) {
        const row = byId.get(ids[index]!)!
        const { against } = races[index]!
        expect(row.ends).toBe(1)
        // Told that it is cancelled, it is; told that it had ended, it had.
        if (told === 'ended') expect(row.state).toBe('cancelled')
        if (told === 'none') expect(row.state).toBe(against === 'complete' ? 'completed' : 'failed')
        if (told === 'asked' && against !== 'complete') expect(row.state).toBe('cancelled')
      }
    }),
    { numRuns: 20 },
  )
  expect(raced).toBe(1000)

  await foldCounts(sql)
  const counts = await readCounts(sql)
  const table = await sql<
    { state: string; count: number }[]
  >`SELECT state, count(*) FROM tasks GROUP BY state`
  expect(table.reduce((sum, { count }) => sum + count, 0)).toBe(1000)
  for (const state of ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled']) {
    const counted = table.find((row) => row.state === state)?.count ?? 0
    expect({ state, count: counts.get(state) ?? 0 }).toEqual({ state, count: counted })
    if (['completed', 'failed', 'cancelled'].includes(state))
      expect(counts.get(`ever:${state}`) ?? 0).toBe(counted)
  }
  const [attempts] =
    await sql`SELECT count(*) FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.attempt >= t.attempt AND t.picked_at IS NOT NULL`
  expect(attempts?.count).toBe(0)
}, 60_000)

async function hold(sql: Sql, count: number, races: Race[]): Promise<string[]> {
  const tasks = races.map(({ against }) =>
    newTask({
      id: crypto.randomUUID(),
      command: 'x',
      scheduledAt: new Date(0),
      maxRetries: against === 'retry' ? 1 : 0,
    }),
  )
  await insertTasks(sql, tasks)
  const claimed = await claimTasks(sql, Array<number>(count).fill(WORKER))
  expect(claimed).toHaveLength(count)
  const ids = tasks.map(({ id }) => id)
  const started = ids.filter((_, index) => races[index]!.started)
  if (started.length > 0)
    await settleTasks(
      sql,
      started.map((id) => reportOf(id, 'started')),
      0,
    )
  return ids
}

function reportOf(taskId: string, kind: WorkerReport['kind'], error: string | null = null): WorkerReport {
  const endedAt = kind === 'started' ? null : 0
  return { taskId, attempt: 1, workerId: WORKER, kind, slot: 1, startedAt: 0, endedAt, error, output: null }
}

/** The cancel and the settlement at once; then, when it was asked to stop what it still holds, its worker does. */
async function run(sql: Sql, id: string, { against, cancelTurn, settleTurn }: Race) {
  const cancel = async () => {
    await turns(cancelTurn)
    const [cancelled] = await cancelTasks(sql, [id])
    return cancelled ? (cancelled.ended ? 'ended' : 'asked') : 'none'
  }
  const settle = async () => {
    await turns(settleTurn)
    const error = against === 'timeout' ? 'timed out' : 'it broke'
    const report = against === 'complete' ? reportOf(id, 'completed') : reportOf(id, 'failed', error)
    if (report.kind === 'failed') await retryTasks(sql, [report], 0, BACKOFF)
    await settleTasks(sql, [report], 0)
  }
  const [told] = await Promise.all([cancel(), settle()])
  // Late: the attempt has ended by now, whatever it was asked.
  await settleTasks(sql, [reportOf(id, 'cancelled')], 0)
  return { told }
}

async function turns(count: number) {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
