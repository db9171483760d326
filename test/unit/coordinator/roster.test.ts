import { expect, test } from 'bun:test'
import { createRoster } from '../../../src/coordinator/roster.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import fc from '../../support/property.ts'

function oneWorker(slots = 2) {
  const roster = createRoster()
  return { roster, worker: roster.add(1, slots, PLAIN, [], 0) }
}

test('a place is free when the end is reported; the task is forgotten only when the end is written', () => {
  const { roster, worker } = oneWorker()
  roster.placed(1, 'a', 1, 0)
  roster.started(1, 'a', 1, 0)
  expect(worker).toMatchObject({ open: 1, running: 1 })
  roster.ended(1, 'a', 1, 10, 1)
  expect(worker).toMatchObject({ open: 0, running: 0 })
  expect([...worker.held.keys()]).toEqual(['a'])
  roster.settled(1, 'a', 1)
  expect(worker.held.size).toBe(0)
})

test('a write that only says that a task started does not forget it', () => {
  const { roster, worker } = oneWorker()
  roster.placed(1, 'a', 1, 0)
  roster.started(1, 'a', 1, 0)
  roster.settled(1, 'a', 1)
  expect(worker).toMatchObject({ open: 1, running: 1 })
  expect([...worker.held.keys()]).toEqual(['a'])
})

test('reports of another attempt change nothing', () => {
  const { roster, worker } = oneWorker()
  roster.placed(1, 'a', 2, 0)
  for (const attempt of [1, 3]) {
    roster.started(1, 'a', attempt, 0)
    roster.ended(1, 'a', attempt, 5, 1)
    roster.settled(1, 'a', attempt)
  }
  expect(worker).toMatchObject({ open: 1, running: 0, runMs: null })
  expect(worker.held.get('a')).toMatchObject({ attempt: 2, started: false, ended: false })
})

test('a retry that comes back before its first end is written is a new attempt with a place of its own', () => {
  const { roster, worker } = oneWorker()
  roster.placed(1, 'a', 1, 0)
  roster.ended(1, 'a', 1, 5, 1)
  roster.placed(1, 'a', 2, 0)
  roster.settled(1, 'a', 1)
  expect(worker.open).toBe(1)
  expect(worker.held.get('a')).toMatchObject({ attempt: 2, ended: false })
})

test('an end counts once, and a start after it not at all', () => {
  const { roster, worker } = oneWorker()
  roster.placed(1, 'a', 1, 0)
  for (let n = 0; n < 3; n++) roster.ended(1, 'a', 1, 5, 1)
  roster.started(1, 'a', 1, 0)
  expect(worker).toMatchObject({ open: 0, running: 0 })
})

test('workers that are gone or drain are given nothing, and reports of theirs are no error', () => {
  const { roster } = oneWorker()
  roster.setAvailable(1, false)
  expect(roster.available()).toEqual([])
  expect(roster.placed(1, 'a', 1, 0)).toBe(false)
  roster.setAvailable(1, true)
  expect(roster.placed(1, 'a', 1, 0)).toBe(true)
  roster.remove(1)
  expect(roster.placed(1, 'b', 1, 0)).toBe(false)
  roster.started(1, 'a', 1, 0)
  roster.ended(1, 'a', 1, 1, 1)
  roster.settled(1, 'a', 1)
  expect(roster.size).toBe(0)
})

test('a worker comes with what it holds already', () => {
  const roster = createRoster()
  const held = [
    { taskId: 'a', attempt: 3, started: true },
    { taskId: 'b', attempt: 1, started: false },
  ]
  expect(roster.add(7, 5, PLAIN, held, 100)).toMatchObject({
    open: 2,
    running: 1,
    window: 5,
    available: true,
  })
})

test('the window follows the run times, and what did not run says nothing about them', () => {
  const { roster, worker } = oneWorker()
  const run = (taskId: string, runMs: number | null) => {
    roster.placed(1, taskId, 1, 0)
    roster.ended(1, taskId, 1, runMs, 10)
  }
  run('returned', null)
  expect(worker).toMatchObject({ runMs: null, window: 2 })
  run('short', 1)
  expect(worker).toMatchObject({ runMs: 1, window: 22 })
  for (let n = 0; n < 100; n++) run(`long${n}`, 5000)
  expect(worker.window).toBe(2)
})

test('open and running are what the held tasks say, after anything that may happen', () => {
  const task = { taskId: fc.constantFrom('a', 'b', 'c', 'd'), attempt: fc.integer({ min: 1, max: 3 }) }
  const step = fc.record({ what: fc.constantFrom('placed', 'started', 'ended', 'settled'), ...task })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { roster, worker } = oneWorker()
      for (const { what, taskId, attempt } of steps) {
        if (what === 'placed') roster.placed(1, taskId, attempt, 0)
        if (what === 'started') roster.started(1, taskId, attempt, 0)
        if (what === 'ended') roster.ended(1, taskId, attempt, 1, 1)
        if (what === 'settled') roster.settled(1, taskId, attempt)
        const open = [...worker.held.values()].filter(({ ended }) => !ended)
        expect(worker.open).toBe(open.length)
        expect(worker.running).toBe(open.filter(({ started }) => started).length)
      }
    }),
  )
})

test('a worker whose slots keep their tasks is given little until shorter ones end', () => {
  const roster = createRoster()
  roster.add(1, 2, PLAIN, [], 0)
  const run = (taskId: string, ms: number) => {
    roster.placed(1, taskId, 1, 0)
    roster.started(1, taskId, 1, 0)
    roster.ended(1, taskId, 1, ms, 10)
  }
  run('short', 0.1)
  expect(roster.get(1)!.window).toBeGreaterThan(100)
  roster.tookLong(1, 50, 10)
  expect(roster.get(1)).toMatchObject({ runMs: 50, window: 3 })
  for (let n = 0; n < 60; n++) run(`again${n}`, 0.1)
  expect(roster.get(1)!.window).toBeGreaterThan(50)
  roster.tookLong(2, 50, 10) // a worker that is gone
})
