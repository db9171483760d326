import { beforeAll, describe, expect, test } from 'bun:test'
import { createNoFleet } from '../../../src/scheduler/fleet/none.ts'
import { addWorker, claim, createStand, refuses, report, type Stand, WORKER_KEYS } from './stand.ts'

/** The rows of the contract's REST table that are about workers, quoted, each with what it promises. */

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let stand: Stand

beforeAll(async () => {
  stand = await createStand()
  await addWorker(stand.sql, 7, 'w7')
})

describe('GET /api/workers', () => {
  test('answers a bare array of live workers; ?include=offline for the rest', async () => {
    await addWorker(stand.sql, 8, 'gone')
    await stand.sql`UPDATE workers SET offline_at = now() WHERE id = 8`
    const live = await stand.get('/api/workers')
    expect(live.body).toHaveLength(1)
    expect(Object.keys(live.body[0])).toEqual(expect.arrayContaining(WORKER_KEYS))
    expect(live.body[0]).toMatchObject({
      id: 7,
      name: 'w7',
      status: 'idle',
      online: true,
      slots: 5,
      busy_slots: 0,
    })
    expect(live.body[0]).toMatchObject({ current_task_id: '', current_task_ids: [], tasks_completed: 0 })
    expect(live.body[0].last_active_at).toMatch(ISO)
    const all = await stand.get('/api/workers?include=offline')
    expect(all.body).toHaveLength(2)
    expect(all.body.find(({ id }: { id: number }) => id === 8)).toMatchObject({
      status: 'offline',
      online: false,
    })
  })

  test('a worker that runs something is busy, one that drains is draining, a silent one is not live', async () => {
    const own = await createStand()
    await addWorker(own.sql, 1, 'w1')
    await own.post('/tasks', { command: 'x' })
    const [running] = await claim(own.sql, 1, 1)
    await report(own.sql, 'started', 1, [running!])
    expect((await own.get('/api/workers')).body[0]).toMatchObject({
      status: 'busy',
      busy_slots: 1,
      current_task_id: running,
      current_task_ids: [running],
    })
    await report(own.sql, 'completed', 1, [running!])
    await own.sql`UPDATE workers SET draining = true`
    expect((await own.get('/api/workers')).body[0]).toMatchObject({ status: 'draining', tasks_completed: 1 })
    await own.sql`UPDATE workers SET last_seen_at = now() - interval '16 s'`
    expect((await own.get('/api/workers')).body).toEqual([])
  })
})

describe('POST /api/workers/scale {count}', () => {
  test('answers {ok: true, count, command, message: "Scaled to 5 workers"}', async () => {
    const { status, body } = await stand.post('/api/workers/scale', { count: 5 })
    expect(status).toBe(200)
    expect(body).toEqual({ ok: true, count: 5, command: 'scale 5', message: 'Scaled to 5 workers' })
    expect(stand.asked).toContain('scale 5')
  })

  test.each([0, 51, '5', 1.5, null, undefined])(
    '400 `count must be between 1 and 50` for %j',
    async (count) => {
      const asked = stand.asked.length
      refuses(
        await stand.post('/api/workers/scale', { count }),
        400,
        'count must be between 1 and 50',
        'invalid',
      )
      expect(stand.asked).toHaveLength(asked)
    },
  )

  test('503 with the reason when no fleet can be scaled', async () => {
    const alone = await createStand({ fleet: createNoFleet('workers are started by hand here') })
    const answer = await alone.post('/api/workers/scale', { count: 5 })
    refuses(answer, 503, 'workers are started by hand here', 'unavailable')
    expect(answer.headers.get('Retry-After')).toBe('1')
  })
})

describe('POST /api/workers/kill {name}', () => {
  test.each(['w7', '7', 'Worker-7', 'host', 7])('kills the worker that is called %j', async (name) => {
    const { status, body } = await stand.post('/api/workers/kill', { name })
    expect(status).toBe(200)
    expect(body).toEqual({ ok: true, name: 'w7', command: 'kill w7', message: 'Killed worker w7' })
    expect(stand.asked.pop()).toBe('kill w7')
  })

  test('400 `name is required` · 400 `invalid worker name` · 404', async () => {
    const asked = stand.asked.length
    const kill = (name: unknown) => stand.post('/api/workers/kill', { name })
    for (const name of [undefined, null, '']) refuses(await kill(name), 400, 'name is required', 'invalid')
    for (const name of ['-rf', '../w7', 'w7; rm -rf /', 'w 7', 'w7\n', `w${'7'.repeat(255)}`, 'w7\0']) {
      refuses(await kill(name), 400, 'invalid worker name', 'invalid')
    }
    for (const name of ['w77', 'Worker-8', 'gone', 'w']) refuses(await kill(name), 404, /worker/, 'not_found')
    expect(stand.asked).toHaveLength(asked)
  })

  test('409 when two live workers share the name, and neither is killed', async () => {
    const twins = await createStand()
    await addWorker(twins.sql, 1, 'twin')
    await addWorker(twins.sql, 2, 'twin')
    refuses(await twins.post('/api/workers/kill', { name: 'twin' }), 409, /1, 2/, 'conflict')
    expect(twins.asked).toEqual([])
  })
})
