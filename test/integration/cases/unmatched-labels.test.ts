import { beforeAll, expect, test } from 'bun:test'
import type { Capabilities } from '../../../src/shared/core/lane.ts'
import { claimTasks, msUntilNextDue } from '../../../src/shared/store/dispatch.ts'
import { countDue } from '../../../src/shared/store/due.ts'
import { hasGoverned, msUntilGoverned } from '../../../src/shared/store/governed.ts'
import { keyedLanes } from '../../../src/shared/store/lane-keys.ts'
import { anyKind, kindOf, levels } from '../../../src/shared/store/lanes.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { fillLevels } from '../../support/fill.ts'
import { explain } from '../../support/plans.ts'
import fc from '../../support/property.ts'
import { insert, register, reset } from '../../support/store.ts'

const UNMATCHED = 15_000
const CAN: Capabilities = { executors: ['simulate', 'http'], labels: ['eu', 'gpu', 'ssd'] }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})

/** Due tasks that differ in their lane: of any labels, executors, priorities and queues. */
async function fill({ sql }: TestDatabase, { lane, priority = '0' }: { lane: string; priority?: string }) {
  await sql.unsafe(`
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane)
    SELECT gen_random_uuid(), now(), 1, priority, routing_key(lane), lane
    FROM (SELECT ${lane} AS lane, ${priority} AS priority FROM generate_series(1, ${UNMATCHED}) AS n) AS due`)
  await fillLevels(sql)
}

/** What each statement of the way from due to claimed reads: rows of ready, levels and lane_keys, and buffers. */
async function costs() {
  const worker = Array<number>(10).fill(1)
  const runs = {
    claim: (sql: TestDatabase['sql']) => claimTasks(sql, worker, CAN),
    'next due': (sql: TestDatabase['sql']) => msUntilNextDue(sql, CAN),
    governed: (sql: TestDatabase['sql']) => hasGoverned(sql, CAN),
    'next governed': (sql: TestDatabase['sql']) => msUntilGoverned(sql, CAN),
    'due for the fleet': (sql: TestDatabase['sql']) => countDue(sql, 1000),
  }
  const read: Record<string, { rows: number; buffers: number }> = {}
  for (const [name, run] of Object.entries(runs)) {
    const [plan] = await explain(database, run)
    read[name] = {
      rows: plan!.rowsRead('ready') + plan!.rowsRead('levels') + plan!.rowsRead('lane_keys'),
      buffers: plan!.buffers,
    }
  }
  return read
}

const spreads: [string, { lane: string; priority?: string }][] = [
  ['one label each', { lane: `'//x' || n` }],
  ['a label before those of the worker', { lane: `'//a' || n || ',gpu'` }],
  ['one that the worker has and one each', { lane: `'//gpu,x' || n` }],
  ['two that the worker has and one between them', { lane: `'//eu,f' || n || ',gpu'` }],
  ['labels that begin as its own do', { lane: `'//gpu-' || n` }],
  ['an executor each', { lane: `'/function:f' || n || '/'` }],
  ['a queue each', { lane: `'q' || n || '/shell/'` }],
  [
    'many queues, labels and priorities',
    { lane: `'q' || n % 100 || '//x' || n % 1000`, priority: 'n % 3000' },
  ],
]

test.each(spreads)(
  '%s: what no worker runs costs a claim nothing',
  async (_, unmatched) => {
    await reset(database.sql)
    await register(database.sql, 1)
    await database.sql`UPDATE workers SET executors = ${CAN.executors}, labels = ${CAN.labels}`
    const own = () => insert(database.sql, 10, { labels: ['gpu'] })
    await own()
    const alone = await costs()
    await fill(database, unmatched)
    await own()
    const among = await costs()
    const more = Object.entries(among).filter(
      ([name, { rows, buffers }]) => rows > alone[name]!.rows + 25 || buffers > alone[name]!.buffers + 200,
    )
    expect(more).toEqual([])
  },
  60_000,
)

const LABELS = ['a', 'a-', 'a-b', 'a.b', 'a0', 'ab', 'b', 'b0', 'c']
const NEEDS = ['', 'a', 'a-b', 'function:a', 'http', 'shell']
const QUEUES = ['', 'a', 'a-b', 'z']
const lanes = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom(...QUEUES), fc.constantFrom(...NEEDS), fc.subarray(LABELS))
    .map(([queue, need, labels]) => `${queue}/${need}/${labels.join(',')}`),
  { maxLength: 30 },
)
const capabilities = fc.record({
  executors: fc.subarray(NEEDS).map((needs) => needs.map((need) => need || 'simulate').toReversed()),
  labels: fc.subarray(LABELS).map((labels) => labels.toReversed()),
})
/** Between `a,c`, which the worker does not run, and `a` alone lies what begins as `a` does. */
const between: [string[], Capabilities[]] = [
  ['//a-', '//a,c'],
  [{ executors: ['simulate'], labels: ['a-', 'a'] }],
]

test('the walk finds what a look at every lane finds, whatever workers run', async () => {
  const { sql } = database
  await fc.assert(
    fc.asyncProperty(lanes, fc.array(capabilities, { minLength: 8, maxLength: 8 }), async (given, kinds) => {
      await sql`TRUNCATE ready, levels`
      await sql`DELETE FROM lane_keys`
      await sql`
        INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane)
        SELECT gen_random_uuid(), now(), 1, priority, routing_key(lane), lane
        FROM unnest(${given}::text[]) AS lane, unnest(ARRAY[1, -1, 2, 1]) AS priority`
      await fillLevels(sql)
      await sql`
        INSERT INTO lane_keys (lane, key, queue, ready_at)
        SELECT lane, key, lane_queue(lane), now() FROM unnest(${given}::text[]) AS lane, unnest('{k,l}'::text[]) AS key`
      for (const can of kinds) {
        const naive = await sql`
          SELECT DISTINCT lane, priority FROM ready
          WHERE lane_need(lane) = ANY(${can.executors}::text[]) AND lane_labels(lane) <@ ${can.labels}::text[]
          ORDER BY lane, priority DESC`
        const walked = await sql`
          WITH RECURSIVE ${levels(sql, kindOf(sql, can))} SELECT lane, priority FROM level ORDER BY lane, priority DESC`
        expect([...walked]).toEqual([...naive])
        const keyed = await sql`
          WITH RECURSIVE ${keyedLanes(sql, kindOf(sql, can))} SELECT lane FROM keyed_lane ORDER BY lane`
        expect(keyed.map(({ lane }) => lane)).toEqual([...new Set(naive.map(({ lane }) => lane))])
      }
      const all = await sql`WITH RECURSIVE ${levels(sql, anyKind(sql))} SELECT FROM level`
      expect(all).toHaveLength(3 * given.length)
    }),
    { numRuns: 60, examples: [between] },
  )
}, 60_000)
