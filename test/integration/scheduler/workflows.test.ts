import { describe, expect, test } from 'bun:test'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { resolveAll } from '../dependencies/stand.ts'
import { addWorker, claim, countTasks, createStand, refuses, report } from './stand.ts'

const stand = await createStand()
const { sql } = stand
await addWorker(sql, 1, 'w1')
const UNKNOWN = '0190b5a2-7c3e-7000-8000-000000000000'

const create = (tasks: unknown, more: object = {}) => stand.post('/api/workflows', { tasks, ...more })
const read = async (id: string) => (await stand.get(`/api/workflows/${id}`)).body
const diamond = [
  { key: 'load', command: 'load' },
  { key: 'left', command: 'left', depends_on: ['load'] },
  { key: 'right', command: 'right', depends_on: ['load'], on_parent_failure: 'continue' as const },
  { key: 'join', command: 'join', depends_on: ['left', 'right'] },
]

/** Ends all that is due, as told by the task's id. */
async function run(kind: (id: string) => 'completed' | 'failed' = () => 'completed'): Promise<number> {
  await resolveAll(sql)
  const ids = await claim(sql, 1, 100)
  for (const id of ids) await report(sql, kind(id), 1, [id])
  return ids.length
}

describe('a workflow', () => {
  test('is stored in one request and answers with the ids of its tasks by key', async () => {
    const answer = await create(diamond, { name: 'nightly' })
    expect(answer.status).toBe(200)
    const { workflow_id, tasks } = answer.body
    expect(Object.keys(tasks)).toEqual(['load', 'left', 'right', 'join'])
    const shown = await read(workflow_id)
    expect(shown).toMatchObject({
      workflow_id,
      name: 'nightly',
      state: 'running',
      total: 4,
      counts: { pending: 4 },
    })
    expect(
      shown.tasks.map(({ key, waits_for }: { key: string; waits_for: number }) => [key, waits_for]),
    ).toEqual([
      ['load', 0],
      ['left', 1],
      ['right', 1],
      ['join', 2],
    ])
    expect(shown.edges).toHaveLength(4)
    const join = (await stand.get(`/tasks/${tasks.join}`)).body
    expect(join).toMatchObject({
      workflow_id,
      workflow_key: 'join',
      parents: 2,
      waits_for: 2,
      dependents_count: 0,
    })
    expect(join.depends_on).toMatchObject([
      { task_id: tasks.left, key: 'left', state: 'pending' },
      { task_id: tasks.right, key: 'right', state: 'pending' },
    ])
    const load = (await stand.get(`/api/status?task_id=${tasks.load}`)).body
    expect(load.dependents.map(({ key }: { key: string }) => key)).toEqual(['left', 'right'])
    while ((await run()) > 0);
    expect(await read(workflow_id)).toMatchObject({ state: 'completed', counts: { completed: 4 } })
  })

  test('ends as its tasks do, and is retried from what failed', async () => {
    const { workflow_id, tasks } = (await create(diamond)).body
    while ((await run((id) => (id === tasks.load ? 'failed' : 'completed'))) > 0);
    expect(await read(workflow_id)).toMatchObject({ state: 'failed', counts: { failed: 3, completed: 1 } })
    expect((await stand.post(`/api/workflows/${workflow_id}/retry`, {})).body).toEqual({
      workflow_id,
      count: 3,
    })
    expect(await read(workflow_id)).toMatchObject({ counts: { pending: 3, completed: 1 } })
  })

  test('is cancelled as a whole, and retried in its order', async () => {
    await sql`UPDATE tasks SET cancelled_at = now() WHERE state = 'pending'`
    const { workflow_id } = (await create(diamond)).body
    expect((await stand.post(`/api/workflows/${workflow_id}/cancel`, {})).body).toEqual({
      workflow_id,
      count: 4,
    })
    await resolveAll(sql)
    expect(await read(workflow_id)).toMatchObject({ state: 'cancelled' })
    expect((await stand.post(`/api/workflows/${workflow_id}/retry`, {})).body.count).toBe(4)
    expect(await run()).toBe(1)
    expect((await stand.post(`/api/workflows/${workflow_id}/cancel`, {})).body.count).toBe(3)
  })

  test('may depend on tasks that exist already', async () => {
    const { task_id } = (await stand.post('/tasks', { command: 'before', delay_seconds: 3600 })).body
    const { workflow_id, tasks } = (
      await create([{ key: 'a', command: 'a', depends_on: [task_id.toUpperCase()] }])
    ).body
    expect((await read(workflow_id)).edges).toEqual([{ task_id: tasks.a, depends_on: task_id }])
    const before = await countTasks(sql)
    refuses(
      await create([
        { key: 'a', command: 'a' },
        { key: 'b', command: 'b', depends_on: ['a', UNKNOWN] },
      ]),
      400,
      `tasks[1].depends_on[1]: there is no task ${UNKNOWN}`,
      'invalid',
    )
    expect(await countTasks(sql)).toBe(before)
  })

  test('is refused with the place of what is wrong, and then nothing is stored', async () => {
    const before = await countTasks(sql)
    const cases: [unknown, string][] = [
      [undefined, 'tasks must be an array of 1 to 1000 tasks'],
      [[], 'tasks must be an array of 1 to 1000 tasks'],
      [
        Array.from({ length: 1001 }, (_, n) => ({ key: `k${n}`, command: 'c' })),
        'tasks must be an array of 1 to 1000 tasks',
      ],
      [['a'], 'tasks[0] must be an object'],
      [[{ command: 'a' }], 'tasks[0].key is required'],
      [
        [{ key: 'a b', command: 'a' }],
        'tasks[0].key must begin with a letter or digit and have only letters, digits and _ . : = -',
      ],
      [[{ key: 'a' }], 'tasks[0].command is required'],
      [
        [{ key: 'a', command: 'a', priority: 'x' }],
        'tasks[0].priority must be LOW, MEDIUM, HIGH, CRITICAL or a whole number from -32768 to 32767',
      ],
      [
        [
          { key: 'a', command: 'a' },
          { key: 'a', command: 'a' },
        ],
        'tasks[1].key: "a" is the key of tasks[0] too',
      ],
      [
        [{ key: 'a', command: 'a', depends_on: ['z'] }],
        'tasks[0].depends_on[0]: there is no task with the key "z"',
      ],
      [
        [
          { key: 'a', command: 'a', depends_on: ['b'] },
          { key: 'b', command: 'b', depends_on: ['a'] },
        ],
        'tasks form a cycle: a → b → a',
      ],
      [
        [{ key: 'a', command: 'a', depends_on: 'b' }],
        'tasks[0].depends_on must be an array of at most 100 keys of tasks here, or ids of others',
      ],
      [
        [{ key: 'a', command: 'a', on_parent_failure: 'x' }],
        'tasks[0].on_parent_failure must be one of: fail, skip, continue',
      ],
      [
        [{ key: 'a', command: 'a', idempotency_key: 'x' }],
        'tasks[0].idempotency_key is for the whole workflow, not for a task of it',
      ],
    ]
    for (const [tasks, fault] of cases) refuses(await create(tasks), 400, fault, 'invalid')
    refuses(await create(diamond, { name: 5 }), 400, 'name must be a string', 'invalid')
    expect(await countTasks(sql)).toBe(before)
  })

  test('is stored once under its idempotency key, however often and at once it is submitted', async () => {
    const before = await countTasks(sql)
    const body = { name: 'once', tasks: diamond, idempotency_key: 'nightly-1' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => stand.post('/api/workflows', body)))
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: answers[0]!.body })
    expect(Object.keys(answers[0]!.body.tasks)).toEqual(['load', 'left', 'right', 'join'])
    expect(await countTasks(sql)).toBe(before + 4)
    const { idempotency_key, ...same } = body
    const header = { 'content-type': 'application/json', 'idempotency-key': idempotency_key }
    const again = await stand.send('/api/workflows', JSON.stringify({ ...same, tasks: same.tasks }), header)
    expect(again.body).toEqual(answers[0]!.body)
    const taken = 'another request was made under the same idempotency_key'
    refuses(await stand.post('/api/workflows', { ...body, name: 'other' }), 409, taken, 'conflict')
    refuses(
      await stand.post('/api/workflows', { ...body, tasks: diamond.slice(0, 3) }),
      409,
      taken,
      'conflict',
    )
    refuses(await stand.post('/tasks', { command: 'load', idempotency_key }), 409, taken, 'conflict')
  })

  test('that does not exist is not found, whatever is asked of it', async () => {
    for (const id of [UNKNOWN, 'x']) {
      refuses(await stand.get(`/api/workflows/${id}`), 404, 'Workflow not found', 'not_found')
      for (const action of ['cancel', 'retry']) {
        refuses(
          await stand.post(`/api/workflows/${id}/${action}`, {}),
          404,
          'Workflow not found',
          'not_found',
        )
      }
    }
  })

  test('a thousand tasks, each after ten others, are stored at once', async () => {
    const tasks = Array.from({ length: 1000 }, (_, n) => ({
      ...{ key: `t${n}`, command: 'c' },
      depends_on: Array.from({ length: Math.min(n, 10) }, (_, back) => `t${n - 1 - back}`),
    }))
    const { workflow_id } = (await create(tasks)).body
    expect((await read(workflow_id)).edges).toHaveLength(9945)
  })
})

test('workflows are listed newest first, page by page, with how their tasks stand', async () => {
  const ids: string[] = []
  for (let n = 0; n < 3; n++)
    ids.push((await create([{ key: 'a', command: 'a' }], { name: `n${n}` })).body.workflow_id)
  const first = await stand.get('/api/workflows?limit=2')
  expect(first.body.map(({ workflow_id }: { workflow_id: string }) => workflow_id)).toEqual([ids[2], ids[1]])
  expect(first.body[0]).toMatchObject({
    name: 'n2',
    state: 'running',
    total: 1,
    counts: { pending: 1, failed: 0 },
  })
  const next = /<(.+)>; rel="next"/.exec(first.headers.get('link')!)![1]!
  expect((await stand.get(next)).body[0].workflow_id).toBe(ids[0])
  refuses(
    await stand.get('/api/workflows?limit=0'),
    400,
    'limit must be a whole number from 1 to 200',
    'invalid',
  )
  refuses(
    await stand.get('/api/workflows?cursor=x'),
    400,
    'cursor is not one that this server gave',
    'invalid',
  )
})

test('tRPC says the same', async () => {
  const caller = createCaller(stand.services)
  const { workflow_id, tasks } = await caller.workflows.create({ name: 'by tRPC', tasks: diamond })
  expect(await caller.workflows.get({ workflow_id })).toMatchObject({ name: 'by tRPC', total: 4 })
  expect((await caller.workflows.list({ limit: 1 })).workflows).toMatchObject([{ workflow_id }])
  expect(await caller.workflows.cancel({ workflow_id })).toEqual({ workflow_id, count: 4 })
  expect(await caller.workflows.retry({ workflow_id })).toEqual({ workflow_id, count: 4 })
  const after = await caller.tasks.submit({ command: 'after', depends_on: [tasks.join!] })
  expect(await caller.tasks.get(after)).toMatchObject({
    parents: 1,
    depends_on: [{ task_id: tasks.join, key: 'join' }],
  })
})

describe('a single task', () => {
  test('may depend on others by every way of submitting it', async () => {
    const { task_id: parent } = (await stand.post('/tasks', { command: 'p', delay_seconds: 3600 })).body
    const depends_on = [parent, parent.toUpperCase()]
    const time = { scheduled_at: '2020-01-01T00:00:00Z' }
    const ids = [
      (await stand.post('/tasks', { command: 'a', depends_on })).body.task_id,
      (await stand.post('/api/schedule', { command: 'b', depends_on, ...time })).body.task_id,
      ...(await stand.post('/api/tasks/batch', [{ command: 'c', depends_on }, { command: 'd' }])).body
        .task_ids,
    ]
    const shown = await Promise.all(ids.map(async (id) => (await stand.get(`/tasks/${id}`)).body.waits_for))
    expect(shown).toEqual([1, 1, 1, 0])
    expect((await stand.get(`/tasks/${parent}`)).body.dependents_count).toBe(3)
  })

  test('is the same task under its idempotency key only when it depends on the same', async () => {
    const parents = (await stand.post('/api/schedule/batch', { count: 2, delay_seconds: 3600 })).body.task_ids
    const submit = (depends_on: string[]) =>
      stand.post('/tasks', { command: 'once', idempotency_key: 'dependent', depends_on })
    const first = await submit(parents)
    expect((await submit(parents.toReversed())).body).toEqual(first.body)
    refuses(
      await submit(parents.slice(1)),
      409,
      'another request was made under the same idempotency_key',
      'conflict',
    )
    refuses(await submit([]), 409, 'another request was made under the same idempotency_key', 'conflict')
  })

  test('is refused with the place of what is wrong', async () => {
    const { task_id } = (await stand.post('/tasks', { command: 'p', delay_seconds: 3600 })).body
    const before = await countTasks(sql)
    const list = 'depends_on must be an array of at most 100 ids of tasks'
    const cases: [unknown, string][] = [
      ['x', list],
      [[1], list],
      [Array(101).fill(task_id), list],
      [[task_id, 'x'], 'depends_on[1] must be a UUID'],
      [[task_id, UNKNOWN], `depends_on[1]: there is no task ${UNKNOWN}`],
    ]
    for (const [depends_on, fault] of cases) {
      refuses(await stand.post('/tasks', { command: 'a', depends_on }), 400, fault, 'invalid')
    }
    refuses(
      await stand.post('/api/tasks/batch', [{ command: 'a' }, { command: 'b', depends_on: [UNKNOWN] }]),
      400,
      `tasks[1].depends_on[0]: there is no task ${UNKNOWN}`,
      'invalid',
    )
    refuses(
      await stand.post('/api/schedule/batch', { depends_on: [task_id] }),
      400,
      'depends_on is not for batches of alike tasks; use /api/tasks/batch',
      'invalid',
    )
    expect(await countTasks(sql)).toBe(before)
  })
})
