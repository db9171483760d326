import { expect, test } from 'bun:test'
import {
  chooseExcess,
  chooseRecalls,
  isStalled,
  isWorthClaiming,
  placeRoundRobin,
} from '../../../src/coordinator/placement.ts'
import { createRoster } from '../../../src/coordinator/roster.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import fc from '../../support/property.ts'

const candidate = fc
  .record({ slots: fc.integer({ min: 1, max: 6 }), extra: fc.nat(20), open: fc.nat(30) })
  .map(({ slots, extra, open }) => ({ slots, window: slots + extra, open, promised: 0 }))
const candidates = fc
  .uniqueArray(fc.tuple(fc.nat(1000), candidate), { selector: ([id]) => id, maxLength: 8 })
  .map((list) => list.map(([id, worker]) => ({ id, ...worker })))
const last = fc.option(fc.nat(1000), { nil: null })
const groups = fc.array(fc.integer({ min: 1, max: 13 }), { maxLength: 20 })

const idle = (count: number, slots: number, window: number) =>
  Array.from({ length: count }, (_, index) => ({ id: 10 * index, slots, window, open: 0, promised: 0 }))

/** Places group after group; with `keep`, what was placed stays open. */
function placeInGroups(workers: ReturnType<typeof idle>, sizes: number[], keep: boolean) {
  const placed: number[] = []
  for (const size of sizes) {
    const ids = placeRoundRobin(workers, placed.at(-1) ?? null, size)
    placed.push(...ids)
    if (keep) for (const id of ids) workers.find((worker) => worker.id === id)!.open++
  }
  return placed
}

test('equal workers take strict turns, however the claims are grouped', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), groups, (count, sizes) => {
      const workers = idle(count, 13, 13)
      const placed = placeInGroups(workers, sizes, false)
      expect(placed).toEqual(placed.map((_, n) => workers[n % count]!.id))
    }),
  )
})

test('equal workers that keep what they were given never differ by more than one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      groups,
      (count, slots, sizes) => {
        const workers = idle(count, slots, slots * 4)
        const placed = placeInGroups(workers, sizes, true)
        const given = new Map(workers.map(({ id }) => [id, 0]))
        for (const id of placed) {
          given.set(id, given.get(id)! + 1)
          expect(Math.max(...given.values()) - Math.min(...given.values())).toBeLessThanOrEqual(1)
        }
      },
    ),
  )
})

test('nobody is given more than its window, and nothing is left while somebody has room', () => {
  fc.assert(
    fc.property(candidates, last, fc.nat(200), (workers, before, limit) => {
      const placed = placeRoundRobin(workers, before, limit)
      const room = workers.reduce((sum, { window, open }) => sum + Math.max(0, window - open), 0)
      expect(placed.length).toBe(Math.min(limit, room))
      for (const { id, window, open } of workers) {
        const own = placed.filter((to) => to === id).length
        expect(own).toBeLessThanOrEqual(Math.max(0, window - open))
      }
    }),
  )
})

test('no task is queued behind another while a slot is free', () => {
  fc.assert(
    fc.property(candidates, last, fc.nat(200), (workers, before, limit) => {
      const open = new Map(workers.map((worker) => [worker.id, worker.open]))
      for (const id of placeRoundRobin(workers, before, limit)) {
        const { slots } = workers.find((worker) => worker.id === id)!
        const anyFree = workers.some((worker) => open.get(worker.id)! < worker.slots)
        if (anyFree) expect(open.get(id)!).toBeLessThan(slots)
        open.set(id, open.get(id)! + 1)
      }
    }),
  )
})

test('fewer tasks than asked for go to the workers that would have had them first', () => {
  fc.assert(
    fc.property(candidates, last, fc.nat(50), fc.nat(50), (workers, before, a, b) => {
      const more = placeRoundRobin(workers, before, Math.max(a, b))
      expect(placeRoundRobin(workers, before, Math.min(a, b))).toEqual(more.slice(0, Math.min(a, b)))
    }),
  )
})

test('the turn goes on after the worker that was last, even when it is gone', () => {
  const workers = idle(4, 2, 2) // 0, 10, 20, 30
  expect(placeRoundRobin(workers, null, 1)).toEqual([0])
  expect(placeRoundRobin(workers, 10, 3)).toEqual([20, 30, 0])
  expect(placeRoundRobin(workers, 15, 1)).toEqual([20])
  expect(placeRoundRobin(workers, 30, 1)).toEqual([0])
  expect(placeRoundRobin(workers, 99, 1)).toEqual([0])
  expect(placeRoundRobin(workers.toReversed(), 10, 3)).toEqual([20, 30, 0])
})

test('a free slot is always worth a claim, and full workers never are', () => {
  fc.assert(
    fc.property(candidates, (workers) => {
      if (workers.some(({ open, slots }) => open < slots)) expect(isWorthClaiming(workers)).toBe(true)
      if (workers.every(({ open, window }) => open >= window)) expect(isWorthClaiming(workers)).toBe(false)
    }),
  )
})

test('what is worth a claim can always be placed', () => {
  fc.assert(
    fc.property(candidates, last, (workers, before) => {
      if (isWorthClaiming(workers)) expect(placeRoundRobin(workers, before, 1000)).not.toEqual([])
    }),
  )
})

test('while every slot has work, a claim waits until a quarter of what may be queued is gone', () => {
  const workers = (open: number) => [{ id: 1, slots: 5, window: 105, open, promised: 0 }]
  expect(isWorthClaiming(workers(105))).toBe(false)
  expect(isWorthClaiming(workers(81))).toBe(false)
  expect(isWorthClaiming(workers(80))).toBe(true)
})

/** A roster of workers with so many slots, holding tasks that were placed at 0, 1, 2, … ms. */
function rosterOf(workers: { slots: number; queued: number; running: number }[]) {
  const roster = createRoster()
  workers.forEach(({ slots, queued, running }, id) => {
    roster.add(id, slots, PLAIN, [], 0)
    for (let n = 0; n < running + queued; n++) {
      roster.placed(id, `${id}/${n}`, 1, n)
      if (n < running) roster.started(id, `${id}/${n}`, 1, 0)
    }
  })
  return [...roster.all()]
}

test('what waits behind others is taken back for the slots that are free, the newest first', () => {
  const workers = rosterOf([
    { slots: 2, running: 2, queued: 4 },
    { slots: 2, running: 0, queued: 0 },
  ])
  expect(chooseRecalls(workers, 1000, 20)).toEqual([
    {
      workerId: 0,
      tasks: [
        { taskId: '0/4', attempt: 1 },
        { taskId: '0/5', attempt: 1 },
      ],
    },
  ])
})

test('nothing is taken back before it has waited long enough, nor when no slot is free', () => {
  const crowded = { slots: 1, running: 1, queued: 3 }
  expect(chooseRecalls(rosterOf([crowded, { slots: 1, running: 0, queued: 0 }]), 20, 20)).toEqual([])
  expect(chooseRecalls(rosterOf([crowded, { slots: 1, running: 1, queued: 0 }]), 1000, 20)).toEqual([])
})

test('no more is taken back than there are free slots, nothing that runs, and nobody is left with a free slot', () => {
  const worker = fc.record({ slots: fc.integer({ min: 1, max: 5 }), queued: fc.nat(8), running: fc.nat(5) })
  fc.assert(
    fc.property(fc.array(worker, { maxLength: 6 }), (given) => {
      const workers = rosterOf(given.map((one) => ({ ...one, running: Math.min(one.running, one.slots) })))
      const free = workers.reduce((sum, { slots, open }) => sum + Math.max(0, slots - open), 0)
      const recalls = chooseRecalls(workers, 1000, 20)
      expect(recalls.flatMap(({ tasks }) => tasks).length).toBeLessThanOrEqual(free)
      for (const { workerId, tasks } of recalls) {
        const from = workers[workerId]!
        expect(from.open - tasks.length).toBeGreaterThanOrEqual(from.slots)
        for (const { taskId } of tasks) expect(from.held.get(taskId)!.started).toBe(false)
      }
    }),
  )
})

test('a worker is stalled when all of its slots have had their tasks for a while and more wait', () => {
  const workers = rosterOf([
    { slots: 2, running: 2, queued: 3 },
    { slots: 2, running: 1, queued: 3 },
    { slots: 2, running: 2, queued: 0 },
  ])
  expect(workers.map((worker) => isStalled(worker, 20, 20))).toEqual([true, false, false])
  expect(isStalled({ ...workers[0]!, lastStartAt: 1 }, 20, 20)).toBe(false)
})

test('of what waits in a worker, all that is beyond its window is taken back, the newest first', () => {
  const [worker] = rosterOf([{ slots: 2, running: 2, queued: 4 }])
  const taken = (window: number) => chooseExcess({ ...worker!, window })?.tasks.map(({ taskId }) => taskId)
  expect(taken(2)).toEqual(['0/2', '0/3', '0/4', '0/5'])
  expect(taken(3)).toEqual(['0/3', '0/4', '0/5'])
  expect(taken(6)).toBeUndefined()
  expect(taken(100)).toBeUndefined()
})
