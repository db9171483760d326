import { afterEach, describe, expect, test } from 'bun:test'
import { createTasks } from '../../../src/scheduler/tasks.ts'
import { newTask } from '../../../src/shared/core/task.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { deleteEnded } from '../../../src/shared/store/retention.ts'
import { insertAllTasks, insertTasks } from '../../../src/shared/store/tasks.ts'
import { testServer } from '../../support/database.ts'
import { explain } from '../../support/plans.ts'
import { waitFor } from '../../support/wait.ts'
import { createProxy, type TcpProxy } from './proxy.ts'
import { countTasks, createStand, type Stand } from './stand.ts'

const AT = '2030-01-01T00:00:00Z'
const json = { 'content-type': 'application/json' }

const open: { proxy: TcpProxy; stand: Stand }[] = []
afterEach(async () => {
  for (const { proxy, stand } of open.splice(0)) {
    await stand.services.feed.stop()
    await stand.services.sql.end({ timeout: 1 })
    await proxy.close()
  }
})

describe.each([
  ['/api/schedule', { command: 'x', scheduled_at: AT }],
  ['/tasks', { command: 'x' }],
])('POST %s with an idempotency key', (path, body) => {
  test('gives the first task again for the same request, however it is written', async () => {
    const { post, send, sql, get } = await createStand()
    const payload = { b: [1, { d: 1, c: 2 }], a: null }
    const first = await post(path, { ...body, payload, idempotency_key: 'k' })
    expect(first.status).toBe(200)
    const same = [
      await post(path, { ...body, payload, idempotency_key: 'k' }),
      await post(path, { idempotency_key: 'k', payload: { a: null, b: [1, { c: 2, d: 1 }] }, ...body }),
      await post(path, { ...body, payload, idempotency_key: 'k', priority: 'LOW', max_retries: 0, name: '' }),
      await send(path, JSON.stringify({ ...body, payload }), { ...json, 'Idempotency-Key': 'k' }),
      await send(path, JSON.stringify({ ...body, payload, idempotency_key: 'k' }), {
        ...json,
        'Idempotency-Key': 'k',
      }),
    ]
    for (const answer of same) expect(answer).toMatchObject({ status: 200, body: first.body })
    expect(await countTasks(sql)).toBe(1)
    expect((await get(`/tasks/${first.body.task_id}`)).body.idempotency_key).toBe('k')
  })

  test('is 409 for another request', async () => {
    const { post, sql } = await createStand()
    await post(path, { ...body, idempotency_key: 'k' })
    const others = [
      { command: 'y' },
      { priority: 1 },
      { timeout_ms: 5 },
      { payload: 0 },
      { cancel_grace_ms: 0 },
    ]
    for (const other of others) {
      const answer = await post(path, { ...body, ...other, idempotency_key: 'k' })
      expect(answer.status).toBe(409)
      expect(answer.body).toEqual({ error: expect.stringContaining('idempotency_key'), code: 'conflict' })
    }
    expect(await countTasks(sql)).toBe(1)
  })

  test('is 400 for a key that is empty, too long, or another than in the header', async () => {
    const { post, send } = await createStand()
    for (const idempotency_key of ['', 'k'.repeat(256), 7, 'a\0b']) {
      const { status, body: told } = await post(path, { ...body, idempotency_key })
      expect({ status, told }).toMatchObject({
        status: 400,
        told: { error: expect.stringContaining('idempotency_key') },
      })
    }
    const differing = JSON.stringify({ ...body, idempotency_key: 'one' })
    expect((await send(path, differing, { ...json, 'Idempotency-Key': 'two' })).status).toBe(400)
  })
})

test('a task for another time is another request, but one for now is the same whenever it comes', async () => {
  const { post } = await createStand()
  await post('/api/schedule', { command: 'x', scheduled_at: AT, idempotency_key: 'at' })
  const offset = { command: 'x', scheduled_at: '2030-01-01T01:00:00+01:00', idempotency_key: 'at' }
  expect((await post('/api/schedule', offset)).status).toBe(200)
  expect((await post('/api/schedule', { ...offset, scheduled_at: '2030-01-01T01:00:00Z' })).status).toBe(409)
  expect((await post('/tasks', { command: 'x', idempotency_key: 'at' })).status).toBe(409)
  const inAMinute = { command: 'x', delay_seconds: 60, idempotency_key: 'delay' }
  const first = await post('/tasks', inAMinute)
  expect((await post('/tasks', inAMinute)).body).toEqual(first.body)
  expect((await post('/tasks', { ...inAMinute, delay_seconds: 61 })).status).toBe(409)
})

test('a batch refuses a key, in its body and in the header', async () => {
  const { post, send, sql } = await createStand()
  const answers = [
    await post('/api/schedule/batch', { idempotency_key: 'k' }),
    await send('/api/schedule/batch', '{}', { ...json, 'Idempotency-Key': 'k' }),
  ]
  for (const { status, body } of answers) {
    expect(status).toBe(400)
    expect(body.error).toContain('idempotency_key is not for batches')
  }
  expect(await countTasks(sql)).toBe(0)
})

test('the same key many times at once, through several schedulers, is one task', async () => {
  const { sql, services, database } = await createStand()
  const pool = connect(database.settings)
  const schedulers = [services.tasks, createTasks(sql, services.health), createTasks(pool, services.health)]
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      schedulers[index % 3]!.submit({ command: `${index % 10}`, idempotency_key: `key ${index % 10}` }),
    ),
  )
  await pool.end()
  const ids = new Map(answers.map(({ id, command }) => [command, id]))
  expect(answers.every(({ id, command }) => ids.get(command) === id)).toBe(true)
  expect(await countTasks(sql)).toBe(10)
})

test('one insert with twice the same key, a conflict and a stranger answers each for itself', async () => {
  const { post, sql, get } = await createStand()
  // The first goes alone; the others wait for it and go together.
  const answers = await Promise.all([
    post('/tasks', { command: 'first' }),
    post('/tasks', { command: 'x', idempotency_key: 'k' }),
    post('/tasks', { command: 'x', idempotency_key: 'k' }),
    post('/tasks', { command: 'other', idempotency_key: 'k' }),
    post('/tasks', { command: 'stranger' }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 409, 200])
  expect(answers[1]!.body).toEqual(answers[2]!.body)
  expect(await countTasks(sql)).toBe(3)
  for (const { body } of [answers[0]!, answers[1]!, answers[4]!]) {
    expect((await get(`/tasks/${body.task_id}`)).status).toBe(200)
  }
})

test('keys inserted in opposite orders at once do not deadlock', async () => {
  const { sql, database } = await createStand()
  const other = connect(database.settings)
  const keys = Array.from({ length: 500 }, (_, index) => `key ${index}`)
  const tasks = (from: string[]) =>
    from.map((idempotencyKey) =>
      newTask({
        id: crypto.randomUUID(),
        command: 'x',
        scheduledAt: new Date(),
        idempotencyKey,
        requestHash: 'h',
      }),
    )
  await Promise.all([
    ...Array.from({ length: 5 }, () => insertTasks(sql, tasks(keys))),
    ...Array.from({ length: 5 }, () => insertTasks(other, tasks(keys.toReversed()))),
  ])
  await other.end()
  expect(await countTasks(sql)).toBe(500)
})

test('a key is free again once its task is discarded', async () => {
  const { post, sql } = await createStand()
  const first = await post('/tasks', { command: 'x', idempotency_key: 'k' })
  await post(`/api/tasks/${first.body.task_id}/cancel`, {})
  await post(`/api/tasks/${first.body.task_id}/discard`, {})
  const second = await post('/tasks', { command: 'y', idempotency_key: 'k' })
  expect(second.status).toBe(200)
  expect(second.body.task_id).not.toBe(first.body.task_id)
  expect(await countTasks(sql)).toBe(1)
})

test('and once its task is deleted for its age, or by hand', async () => {
  const { post, sql } = await createStand()
  const submit = async () =>
    String((await post('/tasks', { command: 'x', idempotency_key: 'k' })).body.task_id)
  const first = await submit()
  await post(`/api/tasks/${first}/cancel`, {})
  await waitFor(() => deleteEnded(sql, 'cancelled', { ageMs: 1, limit: 10 }), { what: 'it to be old' })
  const second = await submit()
  expect(second).not.toBe(first)
  await sql`DELETE FROM tasks WHERE id = ${second}`
  expect([first, second]).not.toContain(await submit())
  expect(await sql`SELECT key FROM idempotency_keys`).toHaveLength(1)
})

test('a key that is changed by hand stands for its task from then on, and the one before is free', async () => {
  const { post, sql } = await createStand()
  const submit = (idempotency_key: string) => post('/tasks', { command: 'x', idempotency_key })
  const first = await submit('before')
  await submit('taken')
  const change = (key: string | null) =>
    sql`UPDATE tasks SET idempotency_key = ${key} WHERE id = ${first.body.task_id}`
  await change('after')
  expect((await submit('after')).body.task_id).toBe(first.body.task_id)
  expect((await submit('before')).body.task_id).not.toBe(first.body.task_id)
  await expect(change('taken')).rejects.toMatchObject({ constraint_name: 'idempotency_keys_pkey' })
  await change(null)
  expect((await submit('after')).body.task_id).not.toBe(first.body.task_id)
  await sql`INSERT INTO tasks (command, scheduled_at, idempotency_key) VALUES ('x', now(), 'by hand')`
  expect((await submit('by hand')).status).toBe(409)
})

test('a thousand tasks, half of them with a key, are stored without comparing each with each', async () => {
  const { sql, database } = await createStand()
  const tasks = Array.from({ length: 1000 }, (_, index) =>
    newTask({
      id: Bun.randomUUIDv7(),
      command: 'x',
      scheduledAt: new Date(),
      ...(index % 2 === 0 && { idempotencyKey: `key ${index}`, requestHash: 'h' }),
    }),
  )
  const [inserted] = await explain(database, (explaining) => insertAllTasks(explaining, tasks))
  const rows = inserted!.nodes.map(
    (node) => node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)),
  )
  expect(Math.max(...rows)).toBeLessThanOrEqual(1000)
  expect(await countTasks(sql)).toBe(1000)
  const keyed = await sql`
    SELECT FROM idempotency_keys k JOIN task_records t ON t.id = k.task_id AND t.idempotency_key = k.key`
  expect(keyed).toHaveLength(500)
})

test('when the task is committed and the reply is lost, the same request again gives that task', async () => {
  const proxy = await createProxy(testServer())
  const stand = await createStand({ through: proxy })
  open.push({ proxy, stand })
  const request = { command: 'pay', idempotency_key: 'order 7' }
  // The same statement, so that the next need not be prepared, which takes a reply.
  await stand.post('/tasks', { command: 'warm', idempotency_key: 'order 6' })
  proxy.loseReplies()
  const lost = stand.post('/tasks', request)
  // The server has it; whoever asked is never told.
  await waitFor(async () => (await countTasks(stand.sql)) === 2, { what: 'the commit' })
  await proxy.close()
  expect(await lost).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  await proxy.open()
  const again = await waitFor(
    async () => {
      const answer = await stand.post('/tasks', request)
      return answer.status === 200 && answer
    },
    { what: 'the database' },
  )
  const rows = await stand.sql<{ id: string }[]>`SELECT id FROM tasks WHERE command = 'pay'`
  expect(rows.map(({ id }) => id)).toEqual([again.body.task_id])
})
