import { expect, test } from 'bun:test'
import { createStand } from './stand.ts'

const stand = await createStand()
const at = '2099-01-01T00:00:00Z'
const wrong = { command: 'ls', executor: 'shell', payload: { env: { 'A B': 'x' } } }
const FAULT = 'payload.env has a name that is no name for a variable, or is one of ours: A B'

test('what its executor could only fail is refused wherever a task is given', async () => {
  const cases: [path: string, body: object, error: string][] = [
    ['/tasks', wrong, FAULT],
    ['/api/schedule', { ...wrong, scheduled_at: at }, FAULT],
    ['/api/schedule/batch', { ...wrong, count: 2 }, FAULT],
    ['/api/tasks/batch', { tasks: [{ command: 'fine' }, wrong] }, `tasks[1].${FAULT}`],
    ['/api/schedules', { name: 's', every_ms: 60_000, task: wrong }, `task.${FAULT}`],
    ['/tasks', { command: 'not a url', executor: 'http' }, 'command must be a URL with http: or https:'],
    [
      '/tasks',
      { command: 'x', executor: 'python' },
      'executor must be one of: simulate, shell, http, function',
    ],
  ]
  for (const [path, body, error] of cases) {
    const answer = await stand.post(path, body)
    expect([path, answer.status, answer.body.error]).toEqual([path, 400, error])
  }
  expect(await stand.sql`SELECT FROM tasks`).toHaveLength(0)
})
