import { expect, test } from 'bun:test'
import {
  ARRIVAL_MS,
  decide,
  type Memory,
  NOTHING_REMEMBERED,
  type Observation,
  type Policy,
} from '../../../../src/scheduler/autoscale/decide.ts'
import fc from '../../../support/property.ts'

const SLOTS = 5
const POLICY: Policy = { min: 1, max: 20, targetWaitMs: 10_000, coolDownMs: 60_000 }

const seen = (rest: Partial<Observation>): Observation => {
  const workers = rest.workers ?? 3
  return { at: 1_000_000, workers, slots: workers * SLOTS, held: 0, waiting: 0, runMs: 1000, ...rest }
}

const policies = fc
  .record({
    min: fc.integer({ min: 1, max: 50 }),
    more: fc.integer({ min: 0, max: 49 }),
    targetWaitMs: fc.integer({ min: 1, max: 600_000 }),
    coolDownMs: fc.integer({ min: 0, max: 600_000 }),
  })
  .map(({ min, more, ...rest }) => ({ min, max: Math.min(50, min + more), ...rest }))
const observations = fc
  .record({
    at: fc.integer({ min: 0, max: 1_000_000 }),
    workers: fc.integer({ min: 0, max: 60 }),
    held: fc.integer({ min: 0, max: 1000 }),
    waiting: fc.integer({ min: 0, max: 100_000 }),
    runMs: fc.double({ min: 0, max: 1_000_000, noNaN: true }),
  })
  .map((one): Observation => ({ ...one, slots: one.workers * SLOTS }))

/** A queue in front of workers that come some seconds after they are asked for. */
function simulate(policy: Policy, seconds: number, arrivals: (second: number) => number, runMs: number) {
  let memory: Memory = NOTHING_REMEMBERED
  let workers = policy.min
  let waiting = 0
  let arriving: { at: number; workers: number } | null = null
  const changes: { second: number; to: number }[] = []
  const waits: number[] = []
  for (let second = 0; second < seconds; second++) {
    if (arriving && second >= arriving.at) {
      workers = arriving.workers
      arriving = null
    }
    waiting += arrivals(second)
    const capacity = (workers * SLOTS * 1000) / runMs
    const done = Math.min(waiting, capacity)
    waiting -= done
    waits.push(waiting / capacity)
    const held = Math.min(workers * SLOTS, Math.round((done * runMs) / 1000))
    const observation = { at: second * 1000, workers, slots: workers * SLOTS, held, waiting, runMs }
    const decision = decide(observation, policy, memory)
    memory = decision.memory
    if (decision.scaleTo !== null) {
      changes.push({ second, to: decision.scaleTo })
      arriving = { at: second + 3, workers: decision.scaleTo }
    }
  }
  return { changes, waits, workers }
}

test('never fewer than the least, never more than the most', () => {
  fc.assert(
    fc.property(policies, fc.array(observations, { maxLength: 20 }), (policy, looks) => {
      let memory: Memory = NOTHING_REMEMBERED
      for (const look of looks.toSorted((a, b) => a.at - b.at)) {
        const decision = decide(look, policy, memory)
        memory = decision.memory
        if (decision.scaleTo !== null) expect(decision.scaleTo).toBeWithin(policy.min, policy.max + 1)
        expect(decision.reason).not.toMatch(/NaN|Infinity|undefined/)
      }
    }),
  )
})

test('a longer queue never asks for fewer workers', () => {
  fc.assert(
    fc.property(policies, observations, fc.nat(100_000), (policy, look, more) => {
      const short = decide(look, policy, NOTHING_REMEMBERED).scaleTo
      const long = decide({ ...look, waiting: look.waiting + more }, policy, NOTHING_REMEMBERED).scaleTo
      if (short !== null && short > look.workers) expect(long).toBeGreaterThanOrEqual(short)
    }),
  )
})

test('nobody is let go before the cool-down is over, however the load goes', () => {
  fc.assert(
    fc.property(policies, fc.array(fc.nat(500), { minLength: 60, maxLength: 120 }), (policy, load) => {
      const { changes } = simulate(policy, load.length, (second) => load[second] ?? 0, 500)
      let before = policy.min
      let changedAt = Number.NEGATIVE_INFINITY
      for (const { second, to } of changes) {
        if (to < before) expect((second - changedAt) * 1000).toBeGreaterThanOrEqual(policy.coolDownMs)
        before = to
        changedAt = second
      }
    }),
  )
})

test('a constant load comes to rest at one number of workers, which keeps the wait below the target', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 100, max: 1000 }), (perSecond, runMs) => {
      const { changes, waits } = simulate(POLICY, 900, () => perSecond, runMs)
      expect(changes.filter(({ second }) => second > 600)).toEqual([])
      for (const wait of waits.slice(600)) expect(wait * 1000).toBeLessThanOrEqual(POLICY.targetWaitMs)
    }),
    { numRuns: 200 },
  )
})

test('when the load ends, the least number remains', () => {
  const { changes, workers } = simulate(POLICY, 1200, (second) => (second < 300 ? 60 : 0), 1000)
  expect(Math.max(...changes.map(({ to }) => to))).toBeGreaterThanOrEqual(12)
  expect(workers).toBe(POLICY.min)
})

test('a queue asks for as many as do it within the target, and says why', () => {
  const { scaleTo, reason } = decide(seen({ held: 15, waiting: 300 }), POLICY, NOTHING_REMEMBERED)
  // 15 slots are busy, and 300 s of work in 10 s take 30 more.
  expect(scaleTo).toBe(9)
  expect(reason).toBe('300 tasks wait about 20 s, and should 10 s: from 3 to 9 workers')
})

test('what is on its way is not asked for again, and is when it has not come', () => {
  const queue = { held: 15, waiting: 300 }
  const first = decide(seen(queue), POLICY, NOTHING_REMEMBERED)
  const soon = decide(seen({ ...queue, at: 1_000_000 + ARRIVAL_MS - 1 }), POLICY, first.memory)
  expect(soon.scaleTo).toBeNull()
  const late = decide(seen({ ...queue, at: 1_000_000 + ARRIVAL_MS }), POLICY, soon.memory)
  expect(late.scaleTo).toBe(9)
})

test('workers that are missing are given time to come, then the least at least is asked for', () => {
  const policy = { ...POLICY, min: 2 }
  const starting = decide(seen({ workers: 0, waiting: 400 }), policy, NOTHING_REMEMBERED)
  expect(starting).toMatchObject({ scaleTo: null, reason: '0 of at least 2 are here yet' })
  const late = 1_000_000 + ARRIVAL_MS
  expect(decide(seen({ at: late, workers: 0 }), policy, starting.memory).scaleTo).toBe(2)
  expect(decide(seen({ at: late, workers: 0, waiting: 400 }), policy, starting.memory).scaleTo).toBe(8)
  // They came: it is forgotten.
  expect(decide(seen({ at: late, workers: 2 }), policy, starting.memory).memory.fewSince).toBeNull()
})

test('what waits in the workers waits too', () => {
  expect(decide(seen({ held: 315, waiting: 0 }), POLICY, NOTHING_REMEMBERED).scaleTo).toBe(9)
})

test('a moment that needs more begins the cool-down anew', () => {
  const calm = decide(seen({}), POLICY, NOTHING_REMEMBERED)
  expect(calm.scaleTo).toBeNull()
  const busy = decide(seen({ at: 1_030_000, held: 15 }), POLICY, calm.memory)
  expect(busy.memory.room).toBeNull()
  const again = decide(seen({ at: 1_061_000 }), POLICY, busy.memory)
  expect(again.scaleTo).toBeNull()
  expect(decide(seen({ at: 1_121_000 }), POLICY, again.memory).scaleTo).toBe(1)
})
