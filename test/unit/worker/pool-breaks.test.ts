import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Report } from '../../../src/shared/core/report.ts'
import type { Assignment } from '../../../src/shared/core/task.ts'
import type { PoolMessage, PoolOrder } from '../../support/pool-process.ts'
import { waitFor } from '../../support/wait.ts'

const SUPPORT = join(import.meta.dir, '..', '..', 'support')
const handlers = join(SUPPORT, 'batch-handlers')

const listeners: ((message: PoolMessage) => void)[] = []
const host = Bun.spawn([process.execPath, join(SUPPORT, 'pool-process.ts')], {
  stdio: ['ignore', 'inherit', 'inherit'],
  ipc: (message: PoolMessage) => listeners[message.pool]?.(message),
})
afterAll(() => host.kill())

/** A pool of one real thread; what is given back is given to it again, as a coordinator would. */
function startPool() {
  const reports: Report[] = []
  const pool = listeners.length
  const send = (task: Assignment[]) => host.send({ pool, task, handlers } satisfies PoolOrder)
  const given = new Map<string, Assignment>()
  listeners.push((message) => {
    if (!('report' in message)) return
    reports.push(message.report)
    const task = given.get(message.report.taskId)
    if (message.report.kind === 'returned' && task) send([{ ...task, attempt: message.report.attempt + 1 }])
  })
  const ended = (taskId: string) =>
    waitFor(() => reports.find((one) => one.taskId === taskId && /completed|failed/.test(one.kind)), {
      what: `${taskId} to end`,
      timeoutMs: 20_000,
    })
  return {
    reports,
    ended,
    /** Gives tasks at once to a thread that has started. */
    async run(tasks: Record<string, string>) {
      send([brief('first', 'return', 'unknown')])
      await ended('first')
      const all = Object.entries(tasks).map(([taskId, how]) => brief(taskId, how))
      for (const task of all) given.set(task.taskId, task)
      send(all)
      return await Promise.all(all.map(({ taskId }) => ended(taskId)))
    },
  }
}

const brief = (taskId: string, payload: string, command = 'brief'): Assignment => ({
  ...{ taskId, attempt: 1, command, executor: 'function', payload, priority: 0 },
  ...{ timeoutMs: null, cancelGraceMs: 1000 },
})

test('a thread that one of several tasks ends loses no other, and charges none', async () => {
  const { run, reports } = startPool()
  const ends = await run({ a: 'return', b: 'print', c: 'exit', d: 'return', e: 'return' })
  expect(ends.map(({ taskId, kind, error }) => [taskId, kind, error])).toEqual([
    ['a', 'completed', null],
    ['b', 'completed', null],
    ['c', 'failed', 'process.exit(3) was called'],
    ['d', 'completed', null],
    ['e', 'completed', null],
  ])
  // What had ended before is not run again, nor is what had not begun counted as an attempt.
  expect(ends.filter(({ attempt }) => attempt !== 1)).toEqual([])
  expect(reports.filter(({ kind }) => kind === 'returned')).toEqual([])
})

test('every task of a message may end its thread, and each is charged once', async () => {
  const { run } = startPool()
  const ends = await run({ a: 'exit', b: 'exit', c: 'return', d: 'exit' })
  expect(ends.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'completed', 'failed'])
})
