import { expect, test } from 'bun:test'
import { addWorker, claim, createStand, report } from './stand.ts'

const BUCKETS = ['0.1', '0.2', '0.4', '0.8', '1.6', '3.2', '6.4', '12.8', '25.6', '51.2', '+Inf']

function read(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

test('every metric has its documented name, from counts that all schedulers share', async () => {
  const { sql, post, get, logged } = await createStand()
  await addWorker(sql, 1, 'w1')
  await addWorker(sql, 2, 'idle')
  for (const priority of ['LOW', 'HIGH', 'HIGH', 'CRITICAL', 77])
    await post('/tasks', { command: 'x', priority })
  await post('/api/schedule', { command: 'later', scheduled_at: '2999-01-01T00:00:00Z' })
  const [failing, running, ...completing] = await claim(sql, 1, 4)
  // Ended 150 ms after they were picked, so that they ran as long.
  await sql`UPDATE tasks SET due_at = due_at - interval '1 s', picked_at = picked_at - interval '1 s' WHERE picked_at IS NOT NULL`
  await report(sql, 'completed', 1, completing, 150)
  await report(sql, 'failed', 1, [failing!], 500)
  await report(sql, 'started', 1, [running!])

  const answer = await get('/metrics')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toStartWith('text/plain')
  const metrics = read(answer.body)
  const expected = {
    taskmaster_tasks_submitted_total: 6,
    taskmaster_tasks_completed_total: 2,
    taskmaster_tasks_failed_total: 1,
    taskmaster_task_queue_length: 2,
    taskmaster_worker_count: 2,
    taskmaster_tasks_pending: 2,
    taskmaster_tasks_running: 1,
    taskmaster_workers_active: 1,
    'taskmaster_tasks_by_priority_total{priority="LOW"}': 2,
    'taskmaster_tasks_by_priority_total{priority="MEDIUM"}': 0,
    'taskmaster_tasks_by_priority_total{priority="HIGH"}': 2,
    'taskmaster_tasks_by_priority_total{priority="CRITICAL"}': 1,
    'taskmaster_tasks_by_priority_total{priority="OTHER"}': 1,
    taskmaster_task_execution_seconds_count: 3,
    taskmaster_task_dispatch_seconds_count: 4,
  }
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, metrics.get(name)]))).toEqual(expected)
  const execution = BUCKETS.map((le) => metrics.get(`taskmaster_task_execution_seconds_bucket{le="${le}"}`))
  expect(execution).toEqual([0, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3])
  expect(metrics.get('taskmaster_task_execution_seconds_sum')).toBeCloseTo(0.8, 1)
  expect(logged.filter(({ level }) => level >= 40)).toEqual([])
})

test('a second read shows what is then, not the sum of both', async () => {
  const { post, get } = await createStand()
  await post('/tasks', { command: 'x' })
  await get('/metrics')
  const metrics = read((await get('/metrics')).body)
  expect(metrics.get('taskmaster_tasks_submitted_total')).toBe(1)
  expect(metrics.get('taskmaster_task_queue_length')).toBe(1)
})
