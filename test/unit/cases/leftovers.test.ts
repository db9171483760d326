import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Report } from '../../../src/shared/core/report.ts'
import type { Assignment } from '../../../src/shared/core/task.ts'
import type { PoolMessage, PoolOrder } from '../../support/pool-process.ts'
import { waitFor } from '../../support/wait.ts'

const SUPPORT = join(import.meta.dir, '..', '..', 'support')
const handlers = join(SUPPORT, 'leftover-handlers')
const FAILING = ['timer', 'interval', 'immediate', 'tick', 'microtask', 'rejection', 'awaiting', 'exit']

const listeners: ((message: PoolMessage) => void)[] = []
const host = Bun.spawn([process.execPath, join(SUPPORT, 'pool-process.ts')], {
  stdio: ['ignore', 'inherit', 'inherit'],
  ipc: (message: PoolMessage) => listeners[message.pool]?.(message),
})
afterAll(() => host.kill())

/** A pool of one real thread; what is given back is given to it again, as a coordinator would. */
function startPool() {
  const ends: Report[] = []
  const returned: string[] = []
  const said: Record<string, string[]> = {}
  const progress: Record<string, number[]> = {}
  const strays: string[] = []
  const given = new Map<string, Assignment>()
  const pool = listeners.length
  listeners.push((message) => {
    if ('stray' in message) strays.push(message.stray)
    else if ('lines' in message) said[message.taskId] = [...(said[message.taskId] ?? []), ...message.lines]
    else if ('progress' in message)
      progress[message.taskId] = [...(progress[message.taskId] ?? []), message.progress]
    else if (message.report.kind === 'returned') {
      returned.push(message.report.taskId)
      const task = given.get(message.report.taskId)!
      take({ ...task, attempt: task.attempt + 1 })
    } else if (message.report.kind !== 'started') ends.push(message.report)
  })
  function take(task: Assignment) {
    given.set(task.taskId, task)
    host.send({ pool, task, handlers } satisfies PoolOrder)
  }
  return {
    ...{ returned, said, progress, strays },
    run(taskId: string, command: string, payload: string | null = null, executor = 'function') {
      const limits = { timeoutMs: null, cancelGraceMs: 100, priority: 0, attempt: 1 }
      take({ taskId, command, payload, executor, ...limits })
    },
    ended: (taskId: string) =>
      waitFor(() => ends.find((end) => end.taskId === taskId), {
        what: `${taskId} to end`,
        timeoutMs: 20_000,
      }),
    stop: () => host.send({ pool, task: null, handlers } satisfies PoolOrder),
  }
}

test.each(FAILING)(
  'what a task left behind (%s) and then fails is not held against the task that runs by then',
  async (kind) => {
    const { run, ended, returned, said } = startPool()
    run('a', 'leave', kind)
    run('b', 'next')
    expect(await ended('a')).toMatchObject({ kind: 'completed' })
    expect(await ended('b')).toMatchObject({ kind: 'completed', error: null, result: '"done"' })
    expect(returned.length).toBeLessThanOrEqual(1)
    expect(said.b).toEqual(['mine', 'mine too'])
  },
)

test('what can be told to be of an earlier task does not disturb the one that runs', async () => {
  for (const kind of ['timer', 'interval', 'immediate', 'tick']) {
    const { run, ended, returned, strays } = startPool()
    run('a', 'leave', kind)
    run('b', 'next')
    expect(await ended('b')).toMatchObject({ kind: 'completed', attempt: 1 })
    expect({ kind, returned, strays }).toEqual({ kind, returned: [], strays: ['uncaught: left behind'] })
    // What goes on and on is gone with its thread.
    run('c', 'next')
    expect(await ended('c')).toMatchObject({ kind: 'completed', attempt: 1 })
    expect(strays).toHaveLength(1)
  }
})

test('what a task says when it is over is neither said nor taken for the next one', async () => {
  const { run, ended, said, progress } = startPool()
  run('a', 'leave', 'words')
  run('b', 'next')
  expect(await ended('b')).toMatchObject({ kind: 'completed', output: 'mine\nmine too\n' })
  expect({ said, progress }).toEqual({ said: { b: ['mine', 'mine too'] }, progress: { b: [0.5] } })
})

test.each(FAILING)(
  'what a task does to itself (%s) is its own failure, whatever ran before',
  async (kind) => {
    for (const before of [null, 'nothing']) {
      const { run, ended, returned, said } = startPool()
      if (before) run('a', 'leave', before)
      run('b', 'own', kind)
      const { kind: end, error, stack } = await ended('b')
      expect({ end, error }).toEqual({
        end: 'failed',
        error: kind === 'exit' ? 'process.exit(3) was called' : 'uncaught: left behind',
      })
      if (kind !== 'exit') expect(stack).toContain('leftovers.ts')
      // Where it cannot be told whose it is, a new thread shows it.
      expect(returned.length).toBeLessThanOrEqual(before ? 1 : 0)
      expect(said.b?.at(-1)).toBe('before')
      run('c', 'next')
      expect(await ended('c')).toMatchObject({ kind: 'completed' })
    }
  },
)

test('a task of another executor that runs beside what a handler left is not hurt either', async () => {
  const { run, ended, returned } = startPool()
  run('a', 'leave', 'microtask')
  run('b', 'x', null, 'simulate')
  run('c', 'next')
  expect(await ended('b')).toMatchObject({ kind: 'completed' })
  expect(await ended('c')).toMatchObject({ kind: 'completed' })
  expect(returned.length).toBeLessThanOrEqual(1)
})
