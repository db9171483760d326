import { expect, test } from 'bun:test'
import { auditQuery } from '../../../src/shared/store/audit.ts'
import { fillLevels } from '../../support/fill.ts'
import { waitFor } from '../../support/wait.ts'
import { addWorker, claim, createStand, report } from './stand.ts'

const AUDIT = { silenceMs: 15_000, graceMs: 10_000 }

/** A stand with a worker that runs three tasks, holds two more, and has ended five. */
async function createBusy() {
  const stand = await createStand()
  await addWorker(stand.sql, 1, 'w1')
  await stand.post('/api/schedule/batch', { count: 10 })
  await stand.post('/api/schedule/batch', { count: 4, delay_seconds: 3600 })
  const held = await claim(stand.sql, 1, 10)
  await report(stand.sql, 'started', 1, held.slice(0, 8))
  await report(stand.sql, 'completed', 1, held.slice(0, 4))
  await report(stand.sql, 'failed', 1, held.slice(4, 5))
  return stand
}

const metric = (text: string, name: string) =>
  Number(new RegExp(`^taskmaster_audit_${name} (.+)$`, 'm').exec(text)?.[1])

test('when all is well it finds nothing, and says what it counted', async () => {
  const { get } = await createBusy()
  const { status, body } = await get('/api/audit')
  expect(status).toBe(200)
  expect(body).toEqual({
    at: expect.any(String),
    ok: true,
    findings: [],
    orphaned_tasks: 0,
    overdue_stops: 0,
    overfull_workers: [],
    unstarted_workers: [],
    held_tasks: 5,
    idle_workers: 0,
    oldest_overdue_ms: null,
    stalled: false,
    counters: {
      checked: ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled'],
      drifted: {},
    },
  })
})

test('it finds what a worker that is gone still holds, once its lease is over', async () => {
  const { sql, get } = await createBusy()
  await sql`UPDATE workers SET offline_at = now()`
  expect((await get('/api/audit')).body.ok).toBe(true)
  const long = sql`now() - interval '1 h'`
  await sql`UPDATE workers SET last_seen_at = ${long}, offline_at = ${long}`
  expect((await get('/api/audit')).body.orphaned_tasks).toBe(0)
  await sql`UPDATE tasks SET due_at = ${long}, picked_at = ${long} WHERE picked_at IS NOT NULL`
  const { body } = await get('/api/audit')
  expect(body).toMatchObject({ ok: false, orphaned_tasks: 5 })
  expect(body.findings).toEqual(['5 tasks are held by workers that are gone'])
  await sql`DELETE FROM workers`
  expect((await get('/api/audit')).body.orphaned_tasks).toBe(5)
  await addWorker(sql, 1, 'w1')
  expect((await get('/api/audit')).body.ok).toBe(true)
})

test('it finds a worker that runs more than its slots', async () => {
  const { sql, get } = await createBusy()
  await sql`UPDATE workers SET slots = 2`
  expect((await get('/api/audit')).body).toMatchObject({
    ok: false,
    overfull_workers: [{ id: 1, name: 'w1', running: 3, slots: 2 }],
  })
})

test('it finds what runs on after its timeout, or after it was cancelled', async () => {
  const { sql, get } = await createBusy()
  const running = await sql<{ id: string }[]>`SELECT id FROM tasks WHERE state = 'running' ORDER BY id`
  await sql`UPDATE tasks SET due_at = now() - interval '1 h', picked_at = now() - interval '1 h', started_at = now() - interval '1 min' WHERE state = 'running'`
  expect((await get('/api/audit')).body.ok).toBe(true)
  await sql`UPDATE tasks SET timeout_ms = 1000 WHERE id = ${running[0]!.id}`
  await sql`UPDATE tasks SET cancel_requested_at = now() - interval '30 s', cancel_grace_ms = 1000 WHERE id = ${running[1]!.id}`
  await sql`UPDATE tasks SET cancel_requested_at = now() - interval '30 s', cancel_grace_ms = 60000 WHERE id = ${running[2]!.id}`
  expect((await get('/api/audit')).body).toMatchObject({ ok: false, overdue_stops: 2 })
})

test('it finds counters that drifted, and the metrics tell of the last audit', async () => {
  const { sql, get, services, logged } = await createBusy()
  expect(metric((await get('/metrics')).body, 'age_seconds')).toBeNaN()
  await sql`INSERT INTO count_deltas (names, amounts) VALUES ('{running,completed}', '{2,-3}')`
  await services.auditor.tick()
  const { body } = await get('/api/audit')
  expect(body.counters.drifted).toEqual({
    running: { kept: 5, counted: 3 },
    completed: { kept: 1, counted: 4 },
  })
  const { body: metrics } = await get('/metrics')
  expect(metric(metrics, 'counter_drift')).toBe(5)
  expect(metric(metrics, 'findings')).toBe(2)
  expect(metric(metrics, 'orphaned_tasks')).toBe(0)
  expect(metric(metrics, 'age_seconds')).toBeWithin(0, 10)
  expect(logged.find(({ msg }) => msg === 'The audit found something')).toMatchObject({ level: 40 })
})

test('it finds a due task that waits while workers are idle, but not one that is soon taken', async () => {
  const { sql, post, get, services } = await createStand({ audit: { stallMs: 300 } })
  await addWorker(sql, 1, 'w1')
  await post('/tasks', { command: 'x' })
  await waitFor(async () => (await get('/api/audit')).body.oldest_overdue_ms > 300, { what: 'the wait' })
  expect((await get('/api/audit')).body).toMatchObject({ ok: false, stalled: true, idle_workers: 1 })
  const auditing = services.auditor.run()
  await claim(sql, 1, 1)
  expect((await auditing).stalled).toBe(false)
})

test('it reads no history: what is held, who works, what is kept, and what is due next', async () => {
  const { sql, get } = await createBusy()
  await sql`
    INSERT INTO task_records (id, command, scheduled_at, due_at, picked_at, started_at, completed_at, worker_id, attempt)
    SELECT gen_random_uuid(), 'x', at, at, at, at, at, 1, 1
    FROM (SELECT now() - i * interval '1 s' AS at FROM generate_series(1, 40000) AS i) AS times`
  await sql`
    WITH later AS (
      INSERT INTO task_records (id, command, priority, scheduled_at, due_at)
      SELECT gen_random_uuid(), 'x', i % 5, now() + interval '1 h', now() + interval '1 h' FROM generate_series(1, 20000) AS i
      RETURNING id, priority, due_at
    )
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane) SELECT id, due_at, 1, priority, '//', '//' FROM later`
  await fillLevels(sql)
  await sql`INSERT INTO count_deltas (names, amounts) VALUES ('{completed,pending}', '{40000,20000}')`
  // Its worker is one that is suspected of starting nothing: that is looked at, too.
  await sql`
    UPDATE tasks SET due_at = due_at - interval '1 min', picked_at = picked_at - interval '1 min',
      started_at = started_at - interval '1 min', scheduled_at = scheduled_at - interval '1 min'
    WHERE state IN ('assigned', 'running')`
  await sql`UPDATE tasks SET started_at = picked_at WHERE state = 'running'`
  for (const analyzed of [false, true]) {
    if (analyzed) await sql`ANALYZE`
    const { body } = await get('/api/audit')
    expect(body).toMatchObject({ ok: true, counters: { checked: ['assigned', 'running'], drifted: {} } })
    const [plan] = await sql`EXPLAIN (ANALYZE, FORMAT JSON) ${auditQuery(sql, AUDIT)}`
    const scans: { what: string; rows: number }[] = []
    const visit = (node: ReturnType<typeof JSON.parse>) => {
      if (['task_records', 'ready', 'held', 'levels'].includes(node['Relation Name'])) {
        const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
        scans.push({ what: node['Index Name'] ?? node['Node Type'], rows })
      }
      for (const child of node.Plans ?? []) visit(child)
    }
    visit(plan!['QUERY PLAN'][0].Plan)
    expect(scans.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThan(50)
    const read = scans.filter(({ rows }) => rows > 0).map(({ what }) => what)
    expect(new Set(read)).toEqual(new Set(['held_pkey', 'task_records_pkey', 'levels_walk']))
  }
})
