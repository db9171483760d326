import { describe, expect, test } from 'bun:test'
import { auditQuery } from '../../../src/shared/store/audit.ts'
import { addWorker, claim, createStand, report, type StandOptions } from '../scheduler/stand.ts'

const AUDIT = { silenceMs: 15_000, graceMs: 10_000 }

/** A worker that was given tasks a minute ago: it runs some of them and has started none of the rest. */
async function createSilent({
  tasks = 4,
  started = 0,
  audit = {},
}: { tasks?: number; started?: number } & Pick<StandOptions, 'audit'> = {}) {
  // Nobody waits in these tests: how long a finding must last is theirs to say.
  const stand = await createStand({ audit: { graceMs: 10_000, ...audit } })
  const { sql } = stand
  await addWorker(sql, 1, 'evil')
  await stand.post('/api/schedule/batch', { count: tasks })
  const ids = await claim(sql, 1, tasks)
  await report(sql, 'started', 1, ids.slice(0, started))
  await sql`UPDATE tasks SET due_at = now() - interval '1 min', picked_at = now() - interval '1 min', scheduled_at = now() - interval '1 min'`
  await sql`UPDATE tasks SET started_at = picked_at WHERE started_at IS NOT NULL`
  /** What one look at the tables suspects. */
  const suspects = async () => {
    const [row] = await sql<{ unstartedWorkers: object[] }[]>`${auditQuery(sql, AUDIT)}`
    return row!.unstartedWorkers
  }
  return { ...stand, ids, suspects }
}

test('a worker that was given tasks and starts none is found by name, once that has lasted', async () => {
  const { get, services } = await createSilent({ audit: { graceMs: 0 } })
  const { body } = await get('/api/audit')
  expect(body).toMatchObject({
    ok: false,
    unstarted_workers: [{ id: 1, name: 'evil', assigned: 4, free_slots: 5 }],
  })
  expect(body.unstarted_workers[0].oldest_ms).toBeWithin(60_000, 90_000)
  expect(body.findings).toEqual([
    expect.stringMatching(
      /^worker evil has 4 tasks and starts none of them with 5 slots free; the oldest was assigned \d+ s ago$/,
    ),
  ])
  expect(services.auditor.latest()?.audit.ok).toBe(false)
  expect((await get('/metrics')).body).toContain('taskmaster_audit_unstarted_tasks 4\n')
})

test('one look is no proof: after an outage, reports reach the tables a moment later', async () => {
  const { get, suspects } = await createSilent()
  expect(await suspects()).toHaveLength(1)
  expect((await get('/api/audit')).body).toMatchObject({ ok: true, unstarted_workers: [] })
})

test('nobody is blamed while reports may be late', async () => {
  const { get } = await createSilent({ audit: { graceMs: 0, areReportsLate: () => true } })
  expect((await get('/api/audit')).body).toMatchObject({ ok: true, unstarted_workers: [] })
})

describe('no suspicion falls on a worker', () => {
  test('that runs as many tasks as it has slots', async () => {
    const { suspects } = await createSilent({ tasks: 9, started: 5 })
    expect(await suspects()).toEqual([])
  })

  test('that has started something since', async () => {
    const { sql, ids, suspects } = await createSilent()
    await report(sql, 'started', 1, [ids[0]!])
    expect(await suspects()).toEqual([])
  })

  test('that is given its tasks only now', async () => {
    const { sql, suspects } = await createSilent()
    await sql`UPDATE tasks SET picked_at = now() - interval '20 s'`
    expect(await suspects()).toEqual([])
  })

  test('that is gone: its tasks go back', async () => {
    const { sql, suspects } = await createSilent()
    await sql`UPDATE workers SET last_seen_at = now() - interval '16 s'`
    expect(await suspects()).toEqual([])
  })
})

test('a worker that completes tasks between two looks is working, whatever each look saw', async () => {
  const { get, sql, services } = await createSilent({ audit: { graceMs: 0.001 } })
  expect((await get('/api/audit')).body.ok).toBe(true)
  await sql`INSERT INTO count_deltas (names, amounts) VALUES ('{worker:1}', '{1}')`
  expect((await services.auditor.run()).unstarted_workers).toEqual([])
  expect((await services.auditor.run()).unstarted_workers).toHaveLength(1)
})
