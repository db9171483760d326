import { expect, test } from 'bun:test'
import { isForExpress } from '../../../../src/scheduler/express/for-express.ts'
import { newTask } from '../../../../src/shared/core/task.ts'

const NOW = 1_000_000
const task = newTask({ id: crypto.randomUUID(), command: 'test', scheduledAt: new Date(NOW) })

test('a task that is due goes by the express path, whatever else it says of how it runs', () => {
  const plain = {
    executor: 'shell',
    queue: 'mail',
    labels: ['eu'],
    priority: 3,
    maxRetries: 5,
    timeoutMs: 10,
  }
  expect(isForExpress(task, NOW)).toBeTrue()
  expect(isForExpress({ ...task, ...plain, payload: { a: 1 } }, NOW)).toBeTrue()
  expect(isForExpress({ ...task, scheduledAt: new Date(NOW + 5000), delayMs: 0 }, NOW)).toBeTrue()
})

test.each([
  ['is due later', { scheduledAt: new Date(NOW + 1) }],
  ['has a delay', { delayMs: 1 }],
  ['has an idempotency key', { idempotencyKey: 'k' }],
  ['has a concurrency key', { concurrencyKey: 'k' }],
  ['depends on another', { parents: 1 }],
  ['has dependents', { hasDependents: true }],
  ['says what becomes of it when a parent fails', { onParentFailure: 'skip' as const }],
  ['is of a workflow', { workflowId: crypto.randomUUID() }],
  ['is of a schedule', { scheduleId: crypto.randomUUID() }],
])('one that %s is inserted', (_, more) => {
  expect(isForExpress({ ...task, ...more }, NOW)).toBeFalse()
})
