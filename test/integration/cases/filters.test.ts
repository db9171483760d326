import { beforeAll, expect, test } from 'bun:test'
import { createStand, refuses, type Stand } from '../scheduler/stand.ts'

let stand: Stand

beforeAll(async () => {
  stand = await createStand()
  for (const priority of ['LOW', 'HIGH', 'CRITICAL', 'MEDIUM', 'HIGH', -5]) {
    await stand.post('/tasks', { command: `at ${priority}`, priority, delay_seconds: 3600 })
  }
})

const LISTS = ['/api/tasks', '/tasks', '/api/tasks/export']

test.each([
  ['state=completd', /state must be one of: pending, .*; not "completd"/],
  ['state=', /state must be one of/],
  ['stat=failed', /there is no parameter "stat"; use .*state, worker, q, priority/],
  ['status=failed', /there is no parameter "status"/],
  ['priorty=HIGH&state=failed', /there is no parameter "priorty"/],
  ['constructor=x', /there is no parameter "constructor"/],
  ['priority=hihg', /priority must be LOW, MEDIUM, HIGH, CRITICAL or .*, not "hihg"/],
  ['priority=', /priority must be/],
  ['state=failed&state=completed', /state is given more than once/],
  ['sort=name', /sort must be one of/],
])('a list with ?%s lists nothing and names the fault', async (query, naming) => {
  for (const path of LISTS) refuses(await stand.get(`${path}?${query}`), 400, naming, 'invalid')
  const dead = await stand.get(`/api/dead-letters?${query}`)
  expect(dead.status).toBe(400)
})

test('what clients add to pass caches is no condition', async () => {
  for (const path of LISTS) expect((await stand.get(`${path}?_=1700000000000`)).status).toBe(200)
})

test.each([
  [{ stat: 'pending' }, /there is no condition "stat"; use ids, state, worker, q, priority/],
  [{ all: true, sate: 'pending' }, /there is no condition "sate"/],
  [{ q: 'at', stat: 'pending' }, /there is no condition "stat"/],
  [{ q: 'at', state: 'pendin' }, /state must be one of: .*; not "pendin"/],
  [{ priority: 'hihg' }, /priority must be .*, not "hihg"/],
])('an action on %j does nothing and names the fault', async (body, naming) => {
  for (const action of ['cancel', 'retry', 'run-now', 'discard']) {
    refuses(await stand.post(`/api/tasks/${action}`, body), 400, naming, 'invalid')
  }
  expect((await stand.get('/api/stats')).body).toMatchObject({ pending_tasks: 6, total_tasks: 6 })
})

const prioritiesOf = async (query: string) => {
  const { status, body } = await stand.get(`/api/tasks?${query}`)
  expect({ query, status }).toEqual({ query, status: 200 })
  return body.map(({ priority }: { priority: number }) => priority)
}

test('tasks are filtered and sorted by priority', async () => {
  expect(await prioritiesOf('sort=-priority')).toEqual([3, 2, 2, 1, 0, -5])
  expect(await prioritiesOf('sort=priority&state=pending')).toEqual([-5, 0, 1, 2, 2, 3])
  expect(await prioritiesOf('priority=HIGH')).toEqual([2, 2])
  expect(await prioritiesOf(`priority=${encodeURIComponent('>=high')}&sort=-priority`)).toEqual([3, 2, 2])
  expect(await prioritiesOf(`priority=${encodeURIComponent('<0')}`)).toEqual([-5])
  expect(await prioritiesOf('priority=2&q=at&sort=-priority')).toEqual([2, 2])
  const counted = await stand.get(`/api/tasks?priority=${encodeURIComponent('>0')}&limit=1`)
  expect(counted.headers.get('X-Total-Count')).toBe('4')
  const exported = await stand.get('/api/tasks/export?sort=-priority&priority=%3E%3D1')
  expect(
    exported.body
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line).priority),
  ).toEqual([3, 2, 2, 1])
})

test('pages by priority go on where they ended, and take no cursor of another order', async () => {
  const seen: number[] = []
  for (let next: string | undefined = '/api/tasks?sort=-priority&limit=2'; next; ) {
    const { body, headers } = await stand.get(next)
    seen.push(...body.map(({ priority }: { priority: number }) => priority))
    next = /<(.+)>; rel="next"/.exec(headers.get('Link') ?? '')?.[1]
  }
  expect(seen).toEqual([3, 2, 2, 1, 0, -5])
  const link = (await stand.get('/api/tasks?sort=-priority&limit=2')).headers.get('Link') ?? ''
  const cursor = /cursor=([\w-]+)/.exec(link)?.[1]
  refuses(await stand.get(`/api/tasks?cursor=${cursor}`), 400, 'cursor is of another sort', 'invalid')
})

test('an action reaches the tasks of a priority alone', async () => {
  const { body } = await stand.post('/api/tasks/cancel', { priority: '<=LOW' })
  expect(body).toEqual({ count: 2, next_cursor: null })
  expect(await prioritiesOf('state=pending&sort=priority')).toEqual([1, 2, 2, 3])
})

test('a task of the older paths says its state as its status, too', async () => {
  const { body } = await stand.get('/tasks')
  expect(body.tasks.map(({ status, state }: { status: string; state: string }) => status === state)).toEqual(
    Array(6).fill(true),
  )
  const one = await stand.get(`/tasks/${body.tasks[0].id}`)
  expect(one.body).toMatchObject({ state: body.tasks[0].state, status: body.tasks[0].state })
})
