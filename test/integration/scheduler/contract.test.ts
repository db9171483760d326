import { beforeAll, describe, expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { addWorker, claim, countTasks, createStand, refuses, type Stand, WORKER_KEYS } from './stand.ts'

/** Every row of the REST table of the contract, quoted, each with what it promises. */

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const UNKNOWN = '00000000-0000-7000-8000-000000000000'
const TASK_KEYS = (
  'task_id id name description command executor priority state scheduled_at picked_at started_at completed_at ' +
  'failed_at cancelled_at worker_id worker slot attempt max_retries duration error output'
).split(' ')
const EVENT_KEYS = 'id ts timestamp type event level msg task_id worker_id attempt'.split(' ')

let stand: Stand
let taskId: string

beforeAll(async () => {
  stand = await createStand()
  await addWorker(stand.sql, 7, 'w7')
  taskId = (await stand.post('/schedule', { command: 'a', scheduled_at: '2023-12-24T22:34:00+05:30' })).body
    .task_id
})

describe.each(['/api/schedule', '/schedule'])(
  'POST %s {command, scheduled_at} + any optional task field',
  (path) => {
    test('answers {task_id, command, scheduled_at: <epoch seconds>, scheduled_at_iso, status: "scheduled"}', async () => {
      const { status, body } = await stand.post(path, {
        command: 'yoooo',
        scheduled_at: '2023-12-24T22:34:00+05:30',
      })
      expect(status).toBe(200)
      expect(body).toEqual({
        task_id: expect.stringMatching(UUID),
        command: 'yoooo',
        scheduled_at: 1_703_437_440,
        scheduled_at_iso: '2023-12-24T17:04:00.000Z',
        status: 'scheduled',
      })
    })

    test('stores every optional task field', async () => {
      const fields = { name: 'n', description: 'd', priority: 'HIGH', executor: 'simulate', max_retries: 3 }
      const payload = { duration_ms: 5, nested: [{ deep: true }] }
      const { body } = await stand.post(path, {
        ...fields,
        payload,
        command: 'c',
        scheduled_at: '2023-12-24T17:04:00Z',
        unknown: 1,
      })
      const stored = await stand.get(`/tasks/${body.task_id}`)
      expect(stored.body).toMatchObject({ ...fields, priority: 2, payload, command: 'c', state: 'pending' })
    })

    test.each([
      [{}],
      [{ command: 'x' }],
      [{ scheduled_at: '2023-12-24T17:04:00Z' }],
      [{ command: '', scheduled_at: '2023-12-24T17:04:00Z' }],
      [{ command: 'x', scheduled_at: null }],
    ])('400 `command and scheduled_at are required` for %j', async (body) => {
      refuses(await stand.post(path, body), 400, 'command and scheduled_at are required', 'invalid')
    })

    test.each([
      'tomorrow',
      1_703_437_440,
      '1703437440',
      '2023-02-30T00:00:00Z',
      '2023-12-24T22:34:00',
      '2023-12-24',
    ])('400 `Invalid date format. Use ISO 8601 format.` for %j', async (scheduled_at) => {
      const answer = await stand.post(path, { command: 'x', scheduled_at })
      refuses(answer, 400, 'Invalid date format. Use ISO 8601 format.', 'invalid')
    })
  },
)

describe('POST /api/schedule/batch {command = "demo-job", count = 10, delay_seconds = 0}', () => {
  test('answers {count, scheduled_at, task_ids, message: "25 tasks scheduled"}', async () => {
    const before = Math.floor(Date.now() / 1000)
    const { status, body } = await stand.post('/api/schedule/batch', { count: 25, delay_seconds: 60 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ count: 25, message: '25 tasks scheduled' })
    expect(new Set(body.task_ids).size).toBe(25)
    expect(body.scheduled_at).toBeWithin(before + 60, before + 90)
    const { body: task } = await stand.get(`/api/status?task_id=${body.task_ids[24]}`)
    expect(task).toMatchObject({ command: 'demo-job', state: 'pending' })
  })

  test('schedules ten of `demo-job` for now when told nothing', async () => {
    const { body } = await stand.post('/api/schedule/batch', {})
    expect(body).toMatchObject({ count: 10, message: '10 tasks scheduled' })
  })

  test.each([0, 1001, -1, 2.5, '5', null, 1e300])(
    '400 `count must be between 1 and 1000` for %j',
    async (count) => {
      const answer = await stand.post('/api/schedule/batch', { count })
      refuses(answer, 400, 'count must be between 1 and 1000', 'invalid')
    },
  )

  test('400 for a negative delay', async () => {
    const answer = await stand.post('/api/schedule/batch', { delay_seconds: -1 })
    refuses(answer, 400, /delay_seconds/, 'invalid')
  })
})

describe.each(['/api/status?task_id=', '/status?task_id=', '/status/?task_id='])('GET %s', (path) => {
  test('answers the task object, with unset times "", without a redirect', async () => {
    const { status, body } = await stand.get(path + taskId)
    expect(status).toBe(200)
    expect(Object.keys(body)).toEqual(expect.arrayContaining(TASK_KEYS))
    expect(body).toMatchObject({
      task_id: taskId,
      id: taskId,
      command: 'a',
      state: 'pending',
      scheduled_at: '2023-12-24T17:04:00.000Z',
      picked_at: '',
      started_at: '',
      completed_at: '',
      failed_at: '',
      cancelled_at: '',
      duration: null,
    })
  })

  test('400 `Task ID is required` · 400 malformed UUID · 404 `Task not found`', async () => {
    refuses(await stand.get(path), 400, 'Task ID is required', 'invalid')
    refuses(await stand.get(path.replace('?task_id=', '')), 400, 'Task ID is required', 'invalid')
    refuses(await stand.get(`${path}nonsense`), 400, /task_id must be a UUID/, 'invalid')
    refuses(await stand.get(path + UNKNOWN), 404, 'Task not found', 'not_found')
  })
})

describe('GET /api/tasks', () => {
  test('answers a bare array of task objects, newest scheduled_at first, with X-Total-Count and Link', async () => {
    const { status, body, headers } = await stand.get('/api/tasks?limit=2')
    expect(status).toBe(200)
    expect(body).toHaveLength(2)
    expect(Object.keys(body[0])).toEqual(expect.arrayContaining(TASK_KEYS))
    expect(body[0].scheduled_at >= body[1].scheduled_at).toBe(true)
    expect(body[0].picked_at).toBe('')
    const count = await countTasks(stand.sql)
    expect(headers.get('X-Total-Count')).toBe(String(count))
    const [, next] = /^<(.+)>; rel="next"$/.exec(headers.get('Link') ?? '') ?? []
    const following = await stand.get(next ?? '')
    expect(following.body).toHaveLength(2)
    expect(following.body[0].id).not.toBe(body[1].id)
  })

  test('the last page has no Link', async () => {
    const { headers, body } = await stand.get('/api/tasks')
    expect(headers.get('X-Total-Count')).toBe(String(body.length))
    expect(headers.has('Link')).toBe(false)
  })

  test('filters by state, worker and text', async () => {
    const { body: marked } = await stand.post('/tasks', { command: '100% _marked_', priority: 32_767 })
    const found = await stand.get('/api/tasks?q=%25%20_marked_')
    expect(found.body.map(({ id }: { id: string }) => id)).toEqual([marked.task_id])
    expect(found.headers.get('X-Total-Count')).toBe('1')
    const [claimed] = await claim(stand.sql, 7, 1)
    for (const query of [
      'state=assigned',
      'worker=w7',
      'worker=7',
      'worker=Worker-7',
      'state=assigned&worker=w7',
    ]) {
      const { body, headers } = await stand.get(`/api/tasks?${query}`)
      expect(body.map(({ id }: { id: string }) => id)).toEqual([claimed])
      expect(body[0]).toMatchObject({ worker: 'w7', worker_id: 7, attempt: 1, state: 'assigned' })
      expect(headers.get('X-Total-Count')).toBe('1')
    }
    for (const query of ['state=failed', 'worker=nobody', 'worker=6', 'q=%25%25']) {
      expect((await stand.get(`/api/tasks?${query}`)).body).toEqual([])
    }
  })

  test.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'limit=1.5',
    'state=lost',
    'cursor=xyz',
    'q=%00',
    'worker=%00',
  ])('400 for ?%s, naming the parameter', async (query) => {
    refuses(await stand.get(`/api/tasks?${query}`), 400, new RegExp(query.split('=')[0] ?? ''), 'invalid')
  })
})

test('GET /api/stats: the six states sum to the total', async () => {
  const { status, body } = await stand.get('/api/stats')
  expect(status).toBe(200)
  const states = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled']
  expect(states.reduce((sum, state) => sum + body[`${state}_tasks`], 0)).toBe(body.total_tasks)
  const count = await countTasks(stand.sql)
  expect(body.total_tasks).toBe(count)
  expect(body.queue_depth).toBe(body.pending_tasks + body.assigned_tasks)
  expect(body.throughput_per_second).toBeNumber()
  expect(body.workers.map(({ name }: { name: string }) => name)).toContain('w7')
})

test('GET /api/logs: the newest 250 events, oldest first', async () => {
  const own = await createStand()
  for (let batch = 0; batch < 6; batch++) await own.post('/api/schedule/batch', { count: 60 })
  const events = await waitFor(
    async () => {
      const { body } = await own.get('/api/logs')
      return body.length === 250 && body
    },
    { what: '250 events' },
  )
  expect(Object.keys(events[0])).toEqual(expect.arrayContaining(EVENT_KEYS))
  expect(events[0]).toMatchObject({ type: 'scheduled', event: 'task_scheduled', level: 'info' })
  expect(events[0].ts).toMatch(ISO)
  const ids = events.map(({ id }: { id: number }) => id)
  expect(ids).toEqual(ids.toSorted((a: number, b: number) => a - b))
})

describe('POST /tasks {name, description, command, priority}', () => {
  test('answers {task_id, status: "submitted"} and stores a task due now', async () => {
    const fields = { name: 'n', description: 'd', command: 'c' }
    const { status, body } = await stand.post('/tasks', { ...fields, priority: 'CRITICAL' })
    expect(status).toBe(200)
    expect(body).toEqual({ task_id: expect.stringMatching(UUID), status: 'submitted' })
    const { body: task } = await stand.get(`/tasks/${body.task_id}`)
    expect(task).toMatchObject({ ...fields, priority: 3, state: 'pending' })
    expect(Date.parse(task.scheduled_at)).toBeWithin(Date.now() - 10_000, Date.now() + 1)
  })

  test('400 without a command', async () => {
    refuses(await stand.post('/tasks', { name: 'n' }), 400, 'command is required', 'invalid')
  })
})

test('GET /tasks/:id: the task object with unset times null; 404', async () => {
  const { status, body } = await stand.get(`/tasks/${taskId.toUpperCase()}`)
  expect(status).toBe(200)
  expect(Object.keys(body)).toEqual(expect.arrayContaining(TASK_KEYS))
  expect(body).toMatchObject({ task_id: taskId, picked_at: null, started_at: null, completed_at: null })
  expect(body).toMatchObject({ failed_at: null, cancelled_at: null })
  refuses(await stand.get(`/tasks/${UNKNOWN}`), 404, 'Task not found', 'not_found')
  refuses(await stand.get('/tasks/nonsense'), 404, 'Task not found', 'not_found')
})

test('GET /tasks: {tasks, total, queue_length} · GET /workers: {workers, worker_count}', async () => {
  const { body } = await stand.get('/tasks?limit=3')
  const [queue] = await stand.sql`SELECT count(*) AS length FROM tasks WHERE state IN ('pending', 'assigned')`
  expect(body.tasks).toHaveLength(3)
  expect(body.tasks[0].completed_at).toBeNull()
  expect(body).toMatchObject({ total: await countTasks(stand.sql), queue_length: queue?.length })
  const { body: fleet } = await stand.get('/workers')
  expect(fleet.worker_count).toBe(1)
  expect(Object.keys(fleet.workers[0])).toEqual(expect.arrayContaining(WORKER_KEYS))
})

test('GET /healthz · GET / say what this is', async () => {
  expect(await stand.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
  const { body } = await stand.get('/')
  expect(body).toMatchObject({ name: 'taskmaster', version: expect.any(String) })
  expect(body.routes).toContain('POST /api/schedule')
})

test('wrong method 405, unknown path 404, both in the shape of errors', async () => {
  const paths = [
    '/api/schedule',
    '/api/status',
    '/api/tasks',
    '/api/stats',
    '/api/logs/stream',
    '/metrics',
    '/tasks/x',
  ]
  for (const path of paths) {
    const response = await stand.app.request(path, { method: 'DELETE' })
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toMatch(/GET|POST/)
    expect(await response.json()).toEqual({ error: expect.stringContaining('method'), code: 'invalid' })
  }
  refuses(await stand.get('/api/schedule'), 405, /method/, 'invalid')
  refuses(await stand.get('/api/nothing'), 404, /nothing/, 'not_found')
  refuses(await stand.send('/', '{}'), 405, /method/, 'invalid')
})
