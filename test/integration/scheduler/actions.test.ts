import { beforeAll, describe, expect, test } from 'bun:test'
import { createActions } from '../../../src/scheduler/actions.ts'
import { retryTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { loseSessions } from '../../../src/shared/store/workers.ts'
import { decided } from '../../support/store.ts'
import { type Answer, addWorker, claim, createStand, report, type Stand } from './stand.ts'

/** What operators do to tasks: to one, and to all that meet a condition. */

const UNKNOWN = '00000000-0000-7000-8000-000000000000'
const LATER = '2999-01-01T00:00:00Z'
const WORKER = 7

let stand: Stand

beforeAll(async () => {
  stand = await createStand()
  await addWorker(stand.sql, WORKER, 'w7')
})

const stateOf = async (id: string) => (await stand.get(`/tasks/${id}`)).body.state
const schedule = async (fields: object = {}, of = stand) =>
  (await of.post('/api/schedule', { command: 'x', scheduled_at: LATER, ...fields })).body.task_id as string

/** A task in each state, made by what makes it in life. */
const MAKE: Record<string, () => Promise<string>> = {
  pending: () => schedule(),
  assigned: () => claimed(),
  running: () => claimed('started'),
  completed: () => claimed('completed'),
  failed: () => claimed('failed'),
  async cancelled() {
    const id = await schedule()
    await stand.post(`/api/tasks/${id}/cancel`, {})
    return id
  },
}

async function claimed(kind?: 'started' | 'completed' | 'failed') {
  await schedule({ scheduled_at: '2023-01-01T00:00:00Z', priority: 32_767 })
  const [id] = await claim(stand.sql, WORKER, 1)
  if (kind) await report(stand.sql, kind, WORKER, [id!])
  return id!
}

const conflict = (answer: Answer, state: string) => {
  expect(answer.status).toBe(409)
  expect(answer.body).toEqual({ error: expect.stringContaining(`${state} task`), code: 'conflict' })
}

describe.each([
  ['cancel', { pending: 'cancelled', assigned: 'cancelling', running: 'cancelling' }],
  ['retry', { failed: 'scheduled', cancelled: 'scheduled' }],
  ['run-now', { pending: 'scheduled' }],
  ['discard', { completed: 'discarded', failed: 'discarded', cancelled: 'discarded' }],
] as [string, Record<string, string>][])('POST /api/tasks/:id/%s', (action, applies) => {
  test.each(Object.keys(MAKE))(
    'on a %s task does what it says or is 409 and changes nothing',
    async (state) => {
      const id = await MAKE[state]!()
      const before = (await stand.get(`/tasks/${id}`)).body
      expect(before.state).toBe(state)
      const answer = await stand.post(`/api/tasks/${id}/${action}`, {})
      if (state in applies) {
        expect(answer).toMatchObject({ status: 200, body: { task_id: id, status: applies[state] } })
      } else {
        conflict(answer, state)
        expect((await stand.get(`/tasks/${id}`)).body).toEqual(before)
      }
    },
  )

  test('404 for one that is unknown, and for what is no id', async () => {
    for (const id of [UNKNOWN, 'nonsense']) {
      const answer = await stand.post(`/api/tasks/${id}/${action}`, {})
      expect(answer).toMatchObject({ status: 404, body: { error: 'Task not found', code: 'not_found' } })
    }
  })

  test('needs no body, and refuses pages of other sites', async () => {
    const id = await MAKE[Object.keys(applies)[0]!]!()
    const path = `/api/tasks/${id}/${action}`
    const foreign = { headers: { origin: 'http://evil.example', host: 'localhost' }, method: 'POST' }
    expect((await stand.app.request(path, foreign)).status).toBe(403)
    expect((await stand.app.request(path, { method: 'POST' })).status).toBe(200)
  })
})

test('a cancelled task that ran is told to its worker, and ends as cancelled however its worker ends it', async () => {
  const id = await claimed('started')
  await stand.post(`/api/tasks/${id}/cancel`, {})
  const { body: told } = await stand.get(`/tasks/${id}`)
  expect(told).toMatchObject({ state: 'running', cancelled_at: null })
  expect(told.cancel_requested_at).toBeString()
  await report(stand.sql, 'failed', WORKER, [id])
  expect(await stateOf(id)).toBe('cancelled')
})

test('a retried task has a new life, with its retries and without what was said of it', async () => {
  const id = await claimed('failed')
  await stand.post(`/api/tasks/${id}/retry`, {})
  const { body } = await stand.get(`/tasks/${id}`)
  expect(body).toMatchObject({ state: 'pending', failures: 0, losses: 0, error: null, failed_at: null })
  expect(body.attempts).toMatchObject([{ attempt: 1, worker: 'w7', outcome: 'failed', error: 'it broke' }])
})

test('a cancelled task that is retried still waits for its time, until it is run now', async () => {
  const id = await schedule()
  await stand.post(`/api/tasks/${id}/cancel`, {})
  await stand.post(`/api/tasks/${id}/retry`, {})
  expect((await stand.get(`/tasks/${id}`)).body.due_at).toStartWith('2999')
  await stand.post(`/api/tasks/${id}/run-now`, {})
  const { body } = await stand.get(`/tasks/${id}`)
  expect(Date.parse(body.due_at)).toBeLessThanOrEqual(Date.now() + 1000)
  expect(body.scheduled_at).toBe(body.due_at)
})

describe('attempts', () => {
  const reported = (id: string, attempt: number, kind: 'completed' | 'failed') => {
    const of = { taskId: id, attempt, workerId: 1, kind, slot: 2, startedAt: 0, endedAt: 5 }
    const reports = [{ ...of, error: kind === 'failed' ? `broke ${attempt}` : null, output: null }]
    return { reports }
  }

  test('are all told, and a task between two of them is retrying', async () => {
    const own = await createStand()
    await addWorker(own.sql, 1, 'w1')
    const { body } = await own.post('/tasks', { command: 'x', max_retries: 2, retry_backoff_ms: 3_600_000 })
    const id: string = body.task_id
    await claim(own.sql, 1, 1)
    const { reports } = reported(id, 1, 'failed')
    await settleTasks(own.sql, [{ ...reports[0]!, kind: 'started', endedAt: null }], 5)
    await retryTasks(own.sql, reports, 5, { baseMs: 1000, capMs: 10_000_000 })

    const { body: waiting } = await own.get(`/api/status?task_id=${id}`)
    expect(waiting).toMatchObject({ state: 'retrying', failures: 1, error: 'broke 1', attempt: 1 })
    expect(waiting.retry_at).toBe(waiting.due_at)
    expect(waiting.attempts).toMatchObject([{ attempt: 1, outcome: 'failed', error: 'broke 1', slot: 2 }])
    const listed = await own.get('/api/tasks?state=retrying')
    expect(listed.body.map(({ id }: { id: string }) => id)).toEqual([id])
    expect(listed.headers.get('X-Total-Count')).toBe('1')
    expect((await own.get('/api/tasks?state=pending')).body).toHaveLength(1)
    expect((await own.get('/api/stats')).body).toMatchObject({ pending_tasks: 1, total_tasks: 1 })

    await own.post(`/api/tasks/${id}/run-now`, {})
    await claim(own.sql, 1, 1)
    const [worker] = await own.sql<{ session: string }[]>`SELECT session FROM workers`
    await own.sql`UPDATE tasks SET started_at = now()`
    await loseSessions(own.sql, [worker!.session], 5, await decided(own.sql))
    await addWorker(own.sql, 1, 'w1')
    await claim(own.sql, 1, 1)
    const { body: held } = await own.get(`/tasks/${id}`)
    expect(held.attempts.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['failed', 'lost', null])
    expect(held).toMatchObject({ state: 'assigned', failures: 1, losses: 1, retry_at: null })
    await settleTasks(own.sql, reported(id, 3, 'completed').reports, 5)
    const { body: ended } = await own.get(`/tasks/${id}`)
    expect(ended.attempts).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
      { attempt: 3, outcome: 'completed' },
    ])
    expect(ended.attempts[2].ended_at).toBe(ended.completed_at)
  })

  test('of a task that never ran are none', async () => {
    expect((await stand.get(`/tasks/${await schedule()}`)).body.attempts).toEqual([])
  })
})

test('GET /api/dead-letters: what failed for good, paged; retried one by one or all at once, or discarded', async () => {
  const own = await createStand()
  await addWorker(own.sql, 1, 'w1')
  for (let n = 0; n < 5; n++) await own.post('/tasks', { command: n < 2 ? 'red' : 'blue' })
  await report(own.sql, 'failed', 1, await claim(own.sql, 1, 5))
  await own.post('/tasks', { command: 'alive' })

  const first = await own.get('/api/dead-letters?limit=3')
  expect(first.body.map(({ state }: { state: string }) => state)).toEqual(['failed', 'failed', 'failed'])
  expect(first.body[0].cancelled_at).toBe('')
  expect(first.headers.get('X-Total-Count')).toBe('5')
  const [, next] = /<(.+)>; rel="next"/.exec(first.headers.get('Link') ?? '') ?? []
  expect(next).toStartWith('/api/dead-letters?')
  expect((await own.get(next!)).body).toHaveLength(2)

  expect((await own.post('/api/tasks/retry', { q: 'red' })).body).toEqual({ count: 2, next_cursor: null })
  expect((await own.get('/api/dead-letters')).headers.get('X-Total-Count')).toBe('3')
  expect((await own.post('/api/tasks/discard', { state: 'failed' })).body).toEqual({
    count: 3,
    next_cursor: null,
  })
  expect((await own.get('/api/dead-letters')).body).toEqual([])
  expect((await own.get('/api/stats')).body).toMatchObject({
    total_tasks: 3,
    pending_tasks: 3,
    failed_tasks: 0,
  })
  const { body: metrics } = await own.get('/metrics')
  expect(metrics).toContain('taskmaster_tasks_failed_total 5\n')
})

describe('bulk', () => {
  test('cancels all that match in small batches, each once, whatever their state', async () => {
    const own = await createStand({ actions: { batchSize: 7 } })
    await addWorker(own.sql, 1, 'w1')
    await own.post('/api/schedule/batch', { count: 40, delay_seconds: 3600 })
    await own.post('/api/schedule/batch', { count: 20 })
    const held = await claim(own.sql, 1, 20)
    await report(own.sql, 'started', 1, held.slice(0, 10))
    await report(own.sql, 'completed', 1, held.slice(0, 5))
    expect((await own.post('/api/tasks/cancel', { all: true })).body).toEqual({
      count: 55,
      next_cursor: null,
    })
    expect((await own.post('/api/tasks/cancel', { all: true })).body).toEqual({ count: 0, next_cursor: null })
    expect((await own.get('/api/stats')).body).toMatchObject({
      cancelled_tasks: 40,
      assigned_tasks: 10,
      running_tasks: 5,
      completed_tasks: 5,
      total_tasks: 60,
    })
  })

  test('takes every condition, and means those that meet all of them', async () => {
    const own = await createStand()
    await addWorker(own.sql, 1, 'w1')
    const { body } = await own.post('/api/schedule/batch', { command: 'blue', count: 3, delay_seconds: 60 })
    await own.post('/api/schedule/batch', { command: 'red', count: 2, delay_seconds: 60 })
    const ids = body.task_ids
    const count = async (action: string, filter: object) =>
      (await own.post(`/api/tasks/${action}`, filter)).body.count
    expect(await count('cancel', { worker: 'w1' })).toBe(0)
    expect(await count('cancel', { ids, q: 'red' })).toBe(0)
    expect(await count('cancel', { ids: [UNKNOWN, ids[0]], state: 'pending' })).toBe(1)
    expect(await count('cancel', { q: 'blue', state: 'retrying' })).toBe(0)
    expect(await count('run-now', { q: 'e' })).toBe(4)
    expect(await count('run-now', { q: 'e' })).toBe(0)
    await claim(own.sql, 1, 4)
    expect(await count('cancel', { worker: 'w1', q: 'red', state: 'assigned' })).toBe(2)
    expect(await count('retry', { state: 'cancelled' })).toBe(1)
  })

  test.each([
    [{}, /at least one/],
    [{ all: false }, /all must be true/],
    [{ all: true, q: 'x' }, /not both/],
    [{ q: '' }, /q must not be empty/],
    [{ worker: '' }, /worker must not be empty/],
    [{ ids: [] }, /ids/],
    [{ ids: ['x'] }, /ids/],
    [{ state: 'completed' }, /state must be one of: pending/],
    [{ state: 'lost' }, /state must be one of: pending/],
    [[], /object/],
  ])('400 for %j', async (body, naming) => {
    const answer = await stand.post('/api/tasks/cancel', body)
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({ error: expect.stringMatching(naming), code: 'invalid' })
  })

  test('stops when its time is over, and goes on from its cursor to the end, each task once', async () => {
    const own = await createStand({ actions: { batchSize: 10, budgetMs: 0 } })
    await addWorker(own.sql, 1, 'w1')
    await own.post('/api/schedule/batch', { count: 5 })
    await claim(own.sql, 1, 5)
    await own.post('/api/schedule/batch', { count: 30, delay_seconds: 60 })
    const first = await own.post('/api/tasks/cancel', { all: true })
    expect(first.body).toEqual({ count: 0, next_cursor: 'pending.' })
    const hasty = createActions({ sql: own.sql, batchSize: 10, budgetMs: 1 })
    let visited = 0
    let cursor: [string, string] | undefined = ['pending', '']
    for (let turn = 0; turn < 100 && cursor; turn++) {
      const { count, next_cursor } = await hasty.many('cancel', { all: true, cursor })
      visited += count
      cursor = next_cursor === null ? undefined : (next_cursor.split('.') as [string, string])
    }
    expect({ visited, cursor }).toEqual({ visited: 35, cursor: undefined })
    const { body } = await own.post('/api/tasks/discard', { ids: [UNKNOWN] })
    expect(body).toEqual({ count: 0, next_cursor: 'ids.0' })
    for (const bad of ['x', 'ids.x', 'pending.x', 7]) {
      const answer = await own.post('/api/tasks/cancel', { all: true, cursor: bad })
      expect({ bad, status: answer.status }).toEqual({ bad, status: 400 })
    }
  })
})

test('tRPC does the same', async () => {
  const { createCaller } = await import('../../../src/scheduler/trpc.ts')
  const call = createCaller(stand.services)
  const { task_id } = await call.tasks.submit({ command: 'x', delay_seconds: 60, idempotency_key: 'trpc' })
  expect(
    (await call.tasks.submit({ command: 'x', delay_seconds: 60, idempotency_key: 'trpc' })).task_id,
  ).toBe(task_id)
  expect(await call.tasks.cancel({ task_id })).toEqual({ task_id, status: 'cancelled' })
  expect(call.tasks.runNow({ task_id })).rejects.toThrow('a cancelled task cannot be run now')
  expect(await call.tasks.retryMany({ ids: [task_id] })).toEqual({ count: 1, next_cursor: null })
  expect(await call.tasks.runNow({ task_id })).toEqual({ task_id, status: 'scheduled' })
  expect((await call.tasks.get({ task_id })).attempts).toEqual([])
  expect(await call.tasks.cancelMany({ ids: [task_id] })).toEqual({ count: 1, next_cursor: null })
  expect(await call.tasks.discard({ task_id })).toEqual({ task_id, status: 'discarded' })
  expect(call.tasks.get({ task_id })).rejects.toThrow('Task not found')
  const dead = await call.tasks.deadLetters({})
  expect(dead.tasks.every(({ state }) => state === 'failed')).toBe(true)
  expect(await call.audit()).toMatchObject({ counters: { drifted: {} } })
})

test('DELETE /api/tasks/:id discards a task that has ended, and no page of another site can send it', async () => {
  const id = await MAKE.completed!()
  const send = (headers: Record<string, string>) =>
    stand.app.request(`/api/tasks/${id}`, { method: 'DELETE', headers })
  expect((await send({ origin: 'https://evil.example' })).status).toBe(403)
  expect(await (await send({})).json()).toEqual({ task_id: id, status: 'discarded' })
  expect((await send({})).status).toBe(404)
  expect((await stand.get(`/api/tasks/${id}`)).headers.get('allow')).toBe('DELETE')
})
