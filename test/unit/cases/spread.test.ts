import { expect, test } from 'bun:test'
import { chooseClaim, groupByKind, type NextClaim } from '../../../src/coordinator/placement.ts'
import { createRoster, FIRST_TASKS, type Roster } from '../../../src/coordinator/roster.ts'
import { type Capabilities, PLAIN } from '../../../src/shared/core/lane.ts'
import fc from '../../support/property.ts'

const OWN: Capabilities = { executors: ['http', 'simulate'], labels: [] }
const GPU: Capabilities = { executors: ['shell', 'simulate'], labels: ['gpu'] }
const ALL = [PLAIN, OWN, GPU]

interface Claimed {
  task: string
  executor: string
  workerId: number
}

let tasks = 0
/** Gives these tasks out, as the claimer does: claim after claim, until nothing more can be placed in a free slot. */
function giveOut(roster: Roster, executors: string[]): Claimed[] {
  const due = executors.map((executor) => ({ task: `t${tasks++}`, executor }))
  const quiet = new Set<string>()
  const claimed: Claimed[] = []
  const served = new Set<number>()
  let last: number | null = null
  for (;;) {
    const kinds = groupByKind(roster.available())
    const waiting = kinds.filter(({ kind, free }) => !quiet.has(kind) && free > 0)
    const next = chooseClaim(waiting, kinds, { last, served, sure: null }, 1000)
    if (!next) return claimed
    const runs = (can: Capabilities, executor: string) => can.executors.includes(executor)
    const isLeft = ({ executor }: { executor: string }) => next.others.some(({ can }) => runs(can, executor))
    const found = due
      .filter(({ executor }) => runs(next.of.can, executor))
      .sort((a, b) => Number(isLeft(a)) - Number(isLeft(b)))
      .slice(0, next.workerIds.length)
    if (found.length < next.workerIds.length) quiet.add(next.of.kind)
    if (next.workerIds.slice(0, found.length).some((id) => served.has(id))) served.clear()
    found.forEach((one, n) => {
      const workerId = next.workerIds[n]!
      served.add(workerId)
      last = workerId
      due.splice(due.indexOf(one), 1)
      roster.placed(workerId, one.task, 1, 0)
      claimed.push({ ...one, workerId })
    })
  }
}

function rosterOf(workers: { can: Capabilities; slots?: number }[]): Roster {
  const roster = createRoster()
  workers.forEach(({ can, slots = 5 }, id) => void roster.add(id, slots, can, [], 0))
  return roster
}
const openOf = (roster: Roster) => [...roster.all()].map(({ open }) => open)
const simulate = (count: number) => Array<string>(count).fill('simulate')

test('a batch spreads over own workers and one that knows only the unary calls', () => {
  const roster = rosterOf([{ can: OWN }, { can: OWN }, { can: OWN }, { can: PLAIN }])
  giveOut(roster, simulate(16))
  expect(openOf(roster)).toEqual([4, 4, 4, 4])
})

test('a worker that runs fewer executors takes no more than the others', () => {
  const roster = rosterOf([
    { can: OWN },
    { can: OWN },
    { can: OWN },
    { can: OWN },
    { can: OWN },
    { can: PLAIN },
  ])
  giveOut(roster, simulate(5))
  expect(openOf(roster).sort()).toEqual([0, 1, 1, 1, 1, 1])
})

test('tasks that come one by one and end go round over all workers, whatever they run', () => {
  const roster = rosterOf([{ can: OWN }, { can: PLAIN }, { can: OWN }, { can: GPU }])
  const served = new Set<number>()
  const given: number[] = []
  for (let n = 0; n < 12; n++) {
    const kinds = groupByKind(roster.available())
    const next: NextClaim = chooseClaim(
      kinds,
      kinds,
      { last: given.at(-1) ?? null, served, sure: null },
      1000,
    )!
    const id = next.workerIds[0]!
    if (served.has(id)) served.clear()
    served.add(id)
    given.push(id)
  }
  expect(given).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
})

const fleet = fc.array(fc.record({ can: fc.constantFrom(...ALL), slots: fc.integer({ min: 1, max: 7 }) }), {
  minLength: 1,
  maxLength: 9,
})

test('whatever the workers, none is given more than one task more than another that still has a free slot', () => {
  fc.assert(
    fc.property(fleet, fc.nat(40), fc.array(fc.nat(4), { maxLength: 9 }), (workers, count, before) => {
      const roster = rosterOf(workers)
      // Some have work already.
      before.slice(0, workers.length).forEach((held, id) => {
        for (let n = 0; n < Math.min(held, workers[id]!.slots); n++) roster.placed(id, `b${id}/${n}`, 1, 0)
      })
      const start = openOf(roster)
      const free = workers.reduce((sum, { slots }, id) => sum + slots - start[id]!, 0)
      const claimed = giveOut(roster, simulate(count))
      expect(claimed).toHaveLength(Math.min(count, free))
      const open = openOf(roster)
      const given = open.map((held, id) => held - start[id]!)
      for (const [id, { slots }] of workers.entries()) {
        expect(open[id]!).toBeLessThanOrEqual(slots)
        if (open[id]! < slots) expect(Math.max(...given) - given[id]!).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('what only some workers run finds room there, and leaves what others run to them', () => {
  const mixed = fc.array(fc.constantFrom('simulate', 'http'), { maxLength: 30 })
  fc.assert(
    fc.property(
      mixed,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      (tasks, own, plain) => {
        const roster = rosterOf([...Array(own).fill({ can: OWN }), ...Array(plain).fill({ can: PLAIN })])
        const claimed = giveOut(roster, tasks)
        const http = tasks.filter((executor) => executor === 'http').length
        expect(claimed.filter(({ executor }) => executor === 'http')).toHaveLength(Math.min(http, 5 * own))
        const room = 5 * plain + Math.max(0, 5 * own - http)
        expect(claimed.filter(({ executor }) => executor === 'simulate')).toHaveLength(
          Math.min(tasks.length - http, room),
        )
      },
    ),
  )
})

test('a worker that says that it has a thousand slots and starts nothing is given a few', () => {
  const roster = rosterOf([{ can: PLAIN, slots: 1000 }])
  expect(giveOut(roster, simulate(1000))).toHaveLength(FIRST_TASKS)
  const worker = roster.get(0)!
  for (const [taskId] of worker.held) roster.started(0, taskId, 1, 0)
  expect(giveOut(roster, simulate(1000)).length).toBe(FIRST_TASKS)
  for (const [taskId, { started }] of worker.held) if (!started) roster.ended(0, taskId, 1, 1, 1)
  expect(worker.slots).toBe(3 * FIRST_TASKS)
})
