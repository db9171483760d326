import { expect, test } from 'bun:test'
import pino from 'pino'
import { type ClaimerOptions, createClaimer } from '../../../src/coordinator/claimer.ts'
import { createRoster } from '../../../src/coordinator/roster.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import type { ClaimedTask } from '../../../src/shared/store/dispatch.ts'
import fc from '../../support/property.ts'
import { waitFor } from '../../support/wait.ts'

const log = pino({ level: 'silent' })

/** A claimer over a queue in memory; every call that leaves it is written down. */
function createStand(workers: { id: number; slots: number }[], more: Partial<ClaimerOptions> = {}) {
  const roster = createRoster()
  for (const { id, slots } of workers) roster.add(id, slots, PLAIN, [], 0)
  const calls: string[] = []
  const asked: number[][] = []
  let dispatched: ClaimedTask[] = []
  const stand = {
    roster,
    calls,
    asked,
    /** Tasks that are due. */
    due: [] as string[],
    /** ms until the next task that is not due. */
    next: null as number | null,
    /** What the next claims throw. */
    failures: [] as Error[],
    get dispatched() {
      return dispatched
    },
    count: (call: string) => calls.filter((made) => made === call).length,
    /** Ends all that was dispatched, as reports do. */
    finish() {
      const ended = dispatched
      dispatched = []
      for (const { workerId, taskId, attempt } of ended) {
        roster.ended(workerId, taskId, attempt, null, 1)
        roster.settled(workerId, taskId, attempt)
      }
      claimer.onRoom()
    },
  }
  const claimer = createClaimer({
    roster,
    log,
    lookAheadMs: 30_000,
    async claim(workerIds) {
      calls.push('claim')
      asked.push(workerIds)
      const failure = stand.failures.shift()
      if (failure) throw failure
      return stand.due.splice(0, workerIds.length).map((taskId, n) => ({
        ...{ level: '// 0', dueMs: 0 },
        ...{ taskId, attempt: 1, command: '', lane: '//', executor: 'simulate', payload: null, priority: 0 },
        ...{ timeoutMs: null, cancelGraceMs: 1000 },
        workerId: workerIds[n]!,
      }))
    },
    async msUntilNextDue() {
      calls.push('look')
      return stand.next
    },
    dispatch(tasks) {
      for (const task of tasks) roster.placed(task.workerId, task.taskId, task.attempt, 0)
      dispatched.push(...tasks)
    },
    async reconcile() {
      calls.push('reconcile')
    },
    onIdle: () => void calls.push('idle'),
    ...more,
  })
  return { stand, claimer }
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`)
const untilIdle = (stand: { calls: string[] }) =>
  waitFor(() => stand.calls.at(-1) === 'idle', { what: 'the claimer to have nothing to do' })
const seen = () => new Promise((resolve) => setImmediate(resolve))

test('nothing is claimed without room', async () => {
  const { stand, claimer } = createStand([])
  stand.due = names(3)
  claimer.wake()
  expect(await claimer.tick()).toBe(0)
  await seen()
  expect(stand.calls).toEqual([])
  await claimer.stop()
})

test('no more is asked for than there is room, and what is claimed is passed on', async () => {
  const { stand, claimer } = createStand([
    { id: 1, slots: 2 },
    { id: 2, slots: 1 },
  ])
  stand.due = names(5)
  expect(await claimer.tick()).toBe(3)
  expect(stand.asked).toEqual([[1, 2, 1]])
  expect(stand.dispatched.map(({ taskId, workerId }) => [taskId, workerId])).toEqual([
    ['t0', 1],
    ['t1', 2],
    ['t2', 1],
  ])
  expect(await claimer.tick()).toBe(0)
  await claimer.stop()
})

test('what is known to wait is claimed when a place becomes free; when nothing waits, nobody asks', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 2 }])
  stand.due = names(3)
  claimer.wake()
  await waitFor(() => stand.dispatched.length === 2, { what: 'both slots to have work' })
  expect(stand.count('claim')).toBe(1)
  stand.finish()
  await untilIdle(stand)
  expect(stand.dispatched.map(({ taskId }) => taskId)).toEqual(['t2'])
  const claims = stand.count('claim')
  stand.finish()
  stand.finish()
  await seen()
  expect(stand.count('claim')).toBe(claims)
  await claimer.stop()
})

test('the turn goes on where the last task went, not where the last claim might have', async () => {
  const { stand, claimer } = createStand([1, 2, 3, 4].map((id) => ({ id, slots: 5 })))
  const given: number[] = []
  for (let n = 0; n < 8; n++) {
    stand.due = [`t${n}`]
    await claimer.tick()
    given.push(...stand.dispatched.map(({ workerId }) => workerId))
    stand.finish()
    await untilIdle(stand)
  }
  expect(given).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
  await claimer.stop()
})

test('a wake during a claim is not forgotten', async () => {
  const gate = Promise.withResolvers<ClaimedTask[]>()
  let claims = 0
  const { stand, claimer } = createStand([{ id: 1, slots: 5 }], {
    claim: () => (claims++ === 0 ? gate.promise : Promise.resolve([])),
  })
  claimer.wake()
  expect(claims).toBe(1)
  claimer.wake()
  claimer.wake()
  gate.resolve([])
  await untilIdle(stand)
  expect(claims).toBe(2)
  await claimer.stop()
})

test('after a claim whose outcome is unknown the table is compared with the roster before the next', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 5 }])
  stand.failures = [new Error('connection lost'), new Error('connection lost')]
  stand.due = names(1)
  claimer.wake()
  await waitFor(() => stand.dispatched.length === 1, { what: 'the task to be claimed after all' })
  expect(stand.calls.filter((call) => call === 'claim' || call === 'reconcile')).toEqual([
    'claim',
    'reconcile',
    'claim',
    'reconcile',
    'claim',
  ])
  await claimer.stop()
})

test('a comparison that fails is made again before any claim', async () => {
  let compared = 0
  const { stand, claimer } = createStand([{ id: 1, slots: 5 }], {
    async reconcile() {
      stand.calls.push('reconcile')
      if (compared++ === 0) throw new Error('away')
    },
  })
  claimer.scan()
  await untilIdle(stand)
  expect(stand.calls.slice(0, 3)).toEqual(['reconcile', 'reconcile', 'claim'])
  await claimer.stop()
})

test('a scan that is asked for while the tables are compared has them compared again', async () => {
  const entered = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  const { stand, claimer } = createStand([{ id: 1, slots: 5 }], {
    async reconcile() {
      stand.calls.push('reconcile')
      entered.resolve()
      await leave.promise
    },
  })
  claimer.scan()
  await entered.promise
  claimer.scan()
  leave.resolve()
  await untilIdle(stand)
  expect(stand.count('reconcile')).toBe(2)
  await claimer.stop()
})

test('a scan compares, claims and looks ahead, and compares even when no worker has room', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }])
  claimer.scan()
  await untilIdle(stand)
  expect(stand.calls).toEqual(['reconcile', 'claim', 'look', 'idle'])
  stand.due = names(2)
  claimer.wake()
  await waitFor(() => stand.dispatched.length === 1, { what: 'the slot to be full' })
  claimer.scan()
  await waitFor(() => stand.count('reconcile') === 2, { what: 'the table to be compared' })
  expect(stand.count('claim')).toBe(2)
  await claimer.stop()
})

test('a task is claimed when its time has come, by a timer armed when it was heard of', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }])
  claimer.wake()
  await untilIdle(stand)
  const heardAt = performance.now()
  setTimeout(() => stand.due.push('later'), 35)
  claimer.dueIn(40)
  await waitFor(() => stand.dispatched.length === 1, { what: 'the task to be claimed' })
  expect(performance.now() - heardAt).toBeGreaterThanOrEqual(39)
  expect(stand.count('claim')).toBe(2)
  await claimer.stop()
})

test('the earliest of all due times that were heard of is kept', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }])
  claimer.wake()
  await untilIdle(stand)
  claimer.dueIn(25_000)
  claimer.dueIn(20)
  claimer.dueIn(20_000)
  await waitFor(() => stand.count('claim') === 2, { what: 'the nearest timer' })
  await claimer.stop()
})

test('what is due beyond the look-ahead is left to the scan', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }], { lookAheadMs: 50 })
  claimer.wake()
  await untilIdle(stand)
  const calls = [...stand.calls]
  claimer.dueIn(51)
  // Timers fire in their order: had one been armed, it would have fired before this one.
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(stand.calls).toEqual(calls)
  await claimer.stop()
})

test('what is overdue when looked for is looked at again until somebody has claimed it', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }])
  stand.next = -5
  claimer.wake()
  await waitFor(() => stand.count('look') >= 3, { what: 'three looks' })
  stand.next = null
  const looks = stand.count('look')
  await waitFor(() => stand.count('look') > looks, { what: 'the last look' })
  await untilIdle(stand)
  expect(stand.count('claim')).toBeGreaterThanOrEqual(3)
  await claimer.stop()
})

test('a task that was claimed by others between claim and look is not waited for busily', async () => {
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }])
  stand.next = 0
  claimer.wake()
  await waitFor(() => stand.count('look') >= 3, { what: 'three looks' })
  const { length } = stand.calls
  await seen()
  expect(stand.calls.length - length).toBeLessThanOrEqual(3)
  await claimer.stop()
})

test('after stop nothing is claimed any more, and a claim that is on its way is waited for', async () => {
  const gate = Promise.withResolvers<ClaimedTask[]>()
  let claims = 0
  const { stand, claimer } = createStand([{ id: 1, slots: 1 }], {
    claim: () => {
      claims++
      return gate.promise
    },
  })
  claimer.wake()
  let stopped = false
  const stopping = claimer.stop().then(() => {
    stopped = true
  })
  claimer.wake()
  claimer.dueIn(1)
  await seen()
  expect(stopped).toBe(false)
  gate.resolve([])
  await stopping
  claimer.wake()
  claimer.scan()
  claimer.onRoom()
  await seen()
  expect(claims).toBe(1)
  expect(stand.calls).not.toContain('look')
})

test('a queue of any length is drained whatever the workers, each task dispatched once', async () => {
  const slots = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(slots, fc.nat(40), async (counts, length) => {
      const { stand, claimer } = createStand(counts.map((count, id) => ({ id, slots: count })))
      stand.due = names(length)
      const done: string[] = []
      claimer.wake()
      while (done.length < length) {
        await waitFor(() => stand.dispatched.length > 0, { what: 'more tasks', timeoutMs: 2000 })
        done.push(...stand.dispatched.map(({ taskId }) => taskId))
        stand.finish()
      }
      await claimer.stop()
      expect(done).toEqual(names(length))
    }),
    { numRuns: 20 },
  )
})
