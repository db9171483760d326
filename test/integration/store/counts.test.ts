import { beforeEach, expect, test } from 'bun:test'
import { TASK_STATES } from '../../../src/shared/core/task.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { foldCounts, readCounts } from '../../../src/shared/store/counts.ts'
import { claimTasks, retryTasks, returnTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { isUnavailable } from '../../../src/shared/store/errors.ts'
import { loseSessions, requeueOrphans } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import { explain } from '../../support/plans.ts'
import fc from '../../support/property.ts'
import { claim, decided, hold, insert, NOW, register, reportOf, reset } from '../../support/store.ts'

const MAX_LOSSES = 5

const database = await createTestDatabase()
const { sql } = database
beforeEach(() => reset(sql))

const sumOf = (counts: Map<string, number>, prefix: string) =>
  [...counts].reduce((sum, [name, value]) => (name.startsWith(prefix) ? sum + value : sum), 0)

/** What the kept counts and the table say of each state, in one snapshot; only where they differ. */
const differences = () => sql`
  SELECT name, coalesce(kept.value, 0) AS kept, coalesce(real.value, 0) AS real
  FROM unnest(${[...TASK_STATES]}::text[]) AS name
  LEFT JOIN current_counts kept USING (name)
  LEFT JOIN (SELECT state AS name, count(*) AS value FROM tasks GROUP BY state) AS real USING (name)
  WHERE coalesce(kept.value, 0) <> coalesce(real.value, 0)`

const worker = fc.integer({ min: 1, max: 4 })
const size = fc.integer({ min: 1, max: 12 })
const operation = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), size, priority: fc.nat(4), maxRetries: fc.nat(1) }),
  fc.record({ do: fc.constant('claim' as const), size, worker }),
  fc.record({ do: fc.constantFrom('started' as const, 'completed' as const, 'failed' as const), size }),
  fc.record({ do: fc.constantFrom('return' as const, 'cancel' as const, 'delete' as const), size }),
  fc.record({ do: fc.constant('lose' as const), worker }),
  fc.record({ do: fc.constantFrom('orphans' as const, 'fold' as const) }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** One round: what is done at once, on connections of their own. */
const rounds = fc.array(fc.array(operation, { minLength: 1, maxLength: 8 }), { minLength: 3, maxLength: 12 })

/** What has happened, by what the statements answered. */
function createTally() {
  const total = { submitted: 0, claimed: 0 }
  const held = (size: number) => sql<{ taskId: string; attempt: number; workerId: number }[]>`
    SELECT id AS "taskId", attempt, worker_id AS "workerId" FROM tasks
    WHERE state IN ('assigned', 'running') ORDER BY random() LIMIT ${size}`
  const run = async (op: Operation): Promise<unknown> => {
    switch (op.do) {
      case 'insert':
        await insert(sql, op.size, { priority: op.priority, maxRetries: op.maxRetries })
        total.submitted += op.size
        return
      case 'claim': {
        const claimed = await claimTasks(sql, Array<number>(op.size).fill(op.worker))
        total.claimed += claimed.length
        return
      }
      case 'failed':
      case 'started':
      case 'completed': {
        const reports = (await held(op.size)).map((task) => reportOf(task, op.do))
        if (op.do === 'failed') await retryTasks(sql, reports, NOW, { baseMs: 1, capMs: 1 })
        return settleTasks(sql, reports, NOW)
      }
      case 'return':
        return returnTasks(sql, await held(op.size))
      case 'cancel':
        return sql`UPDATE tasks SET cancelled_at = now() WHERE id IN (
          SELECT id FROM tasks WHERE state IN ('pending', 'assigned', 'running') LIMIT ${op.size}) AND state NOT IN ('completed', 'failed')`
      case 'delete':
        return sql`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE state = 'pending' LIMIT ${op.size}) AND state = 'pending'`
      case 'lose':
        return loseSessions(sql, [await register(sql, op.worker)], MAX_LOSSES, await decided(sql))
      case 'orphans':
        return requeueOrphans(sql, MAX_LOSSES)
      case 'fold':
        return foldCounts(sql)
    }
  }
  return {
    total,
    /** Statements that lock the same rows in another order may be ended as a deadlock; services try again. */
    run: (op: Operation) =>
      run(op).catch((error) => {
        if (!isUnavailable(error)) throw error
      }),
  }
}

test('the kept counts are those of the table in every snapshot, whatever happens at once', async () => {
  // Not fast-check's own time limit: that leaves the statements of the last run going beside the next test.
  const deadline = performance.now() + 12_000
  let runs = 0
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      if (performance.now() > deadline) return
      runs++
      await reset(sql)
      const tally = createTally()
      for (const round of all) {
        const answers = await Promise.all([...round.map(tally.run), differences(), differences()])
        expect(answers.slice(-2)).toEqual([[], []])
      }
      await foldCounts(sql)
      expect([...(await differences())]).toEqual([])

      const counts = await readCounts(sql)
      const ended = (counts.get('completed') ?? 0) + (counts.get('failed') ?? 0)
      expect(sumOf(counts, 'submitted:')).toBe(tally.total.submitted)
      expect(sumOf(counts, 'waited:')).toBe(tally.total.claimed)
      expect(sumOf(counts, 'ran:')).toBe(ended)
      expect(sumOf(counts, 'worker:')).toBe(counts.get('completed') ?? 0)
      for (const [, value] of counts) expect(value).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: 30 },
  )
  expect(runs).toBeGreaterThan(0)
})

test('what is submitted is counted by priority, and what is completed by worker', async () => {
  for (const priority of [0, 1, 1, 2, 3, 9]) await insert(sql, 1, { priority })
  const tasks = [...(await claim(sql, 2, 7)), ...(await claim(sql, 1, 8))]
  await settleTasks(
    sql,
    tasks.map((task) => reportOf(task, 'completed')),
    NOW,
  )
  const counts = await readCounts(sql)
  const submitted = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'OTHER'].map((name) =>
    counts.get(`submitted:${name}`),
  )
  expect(submitted).toEqual([1, 2, 1, 1, 1])
  expect([counts.get('worker:7'), counts.get('worker:8'), counts.get('worker:9')]).toEqual([2, 1, undefined])
})

test('a fold keeps every count, empties the deltas, and may be made by many at once', async () => {
  await insert(sql, 20)
  const tasks = await claim(sql, 20)
  for (const task of tasks) await settleTasks(sql, [reportOf(task, 'completed')], NOW)
  const before = await readCounts(sql)
  await Promise.all(Array.from({ length: 10 }, () => foldCounts(sql)))
  expect(await readCounts(sql)).toEqual(before)
  await foldCounts(sql)
  expect([...(await sql`SELECT FROM count_deltas`)]).toEqual([])
  expect(await readCounts(sql)).toEqual(before)
})

/** Blocks that a reading of the counts touches, on a connection that has read them before. */
async function costOfReading() {
  const [, plan] = await explain(database, async (own) => {
    await readCounts(own)
    await readCounts(own)
  })
  return plan!.buffers
}

test.each([
  ['only reads', 0],
  ['has written', 3],
])('a transaction that is left open and %s makes no reading of the counts dearer', async (_, written) => {
  const open = connect({ ...database.settings, poolMax: 1 })
  await open`BEGIN ISOLATION LEVEL REPEATABLE READ`
  await open`SELECT count(*) FROM tasks`
  if (written > 0) await insert(open, written)
  const count = () => sql`INSERT INTO count_deltas (names, amounts) VALUES ('{completed,ran_ms}', '{1,7}')`
  await count()
  await foldCounts(sql)
  const before = await costOfReading()
  for (let n = 0; n < 2000; n++) {
    await count()
    if (n % 100 === 99) await foldCounts(sql)
  }
  // All of them are still there: a hundred bytes each at the least.
  const [deltas] = await sql<[{ bytes: number }]>`SELECT pg_relation_size('count_deltas') AS bytes`
  expect(deltas.bytes).toBeGreaterThan(200_000)
  await sql`ANALYZE count_deltas`
  expect(await costOfReading()).toBeLessThanOrEqual(before + 10)
  expect((await readCounts(sql)).get('completed')).toBe(2001)

  await open`COMMIT`
  await open.end()
  expect((await readCounts(sql)).get('pending') ?? 0).toBe(written)
  await foldCounts(sql)
  expect((await readCounts(sql)).get('pending') ?? 0).toBe(written)
  expect([...(await sql`SELECT FROM count_deltas`)]).toEqual([])
})

test('after a restore from a server that had seen more transactions, a fold counts all there is', async () => {
  await insert(sql, 3)
  await sql`UPDATE counts_folded SET at = '900000000000:900000000000:'`
  await foldCounts(sql)
  await insert(sql, 2)
  expect((await readCounts(sql)).get('pending')).toBe(5)
  await foldCounts(sql)
  expect((await readCounts(sql)).get('pending')).toBe(5)
})

test('what a transaction has not committed is neither counted nor lost by a fold beside it', async () => {
  const own = connect({ ...database.settings, poolMax: 1 })
  try {
    await own`BEGIN`
    await own`INSERT INTO tasks (id, command, scheduled_at, due_at) VALUES (${crypto.randomUUID()}, 'slow', now(), now())`
    await hold(sql)
    await foldCounts(sql)
    expect((await readCounts(sql)).get('pending') ?? 0).toBe(0)
    expect([...(await differences())]).toEqual([])
    await own`COMMIT`
    expect((await readCounts(sql)).get('pending')).toBe(1)
    await foldCounts(sql)
    await foldCounts(sql)
    expect((await readCounts(sql)).get('pending')).toBe(1)
    expect([...(await differences())]).toEqual([])
  } finally {
    await own.end()
  }
})

test('what is rolled back is not counted', async () => {
  const own = connect({ ...database.settings, poolMax: 1 })
  await own`BEGIN`
  await own`INSERT INTO tasks (id, command, scheduled_at, due_at) VALUES (${crypto.randomUUID()}, 'never', now(), now())`
  await own`ROLLBACK`
  await own.end()
  await foldCounts(sql)
  expect((await readCounts(sql)).get('pending') ?? 0).toBe(0)
})
