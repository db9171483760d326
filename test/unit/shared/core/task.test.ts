import { expect, test } from 'bun:test'
import {
  canBecome,
  durationSeconds,
  isEnded,
  stateOf,
  TASK_STATES,
  type TaskTimes,
} from '../../../../src/shared/core/task.ts'
import fc from '../../../support/property.ts'

const UNTOUCHED: TaskTimes = {
  pickedAt: null,
  startedAt: null,
  completedAt: null,
  failedAt: null,
  cancelledAt: null,
}

/** What the statements of the store do to a task's times, and when they apply. */
const STEPS = {
  claim: (t: TaskTimes, at: Date) =>
    !t.pickedAt && !t.cancelledAt && !t.failedAt ? { ...t, pickedAt: at } : t,
  start: (t: TaskTimes, at: Date) => (isHeld(t) && !t.startedAt ? { ...t, startedAt: at } : t),
  complete: (t: TaskTimes, at: Date) =>
    isHeld(t) ? { ...t, startedAt: t.startedAt ?? at, completedAt: at } : t,
  fail: (t: TaskTimes, at: Date) => (isHeld(t) ? { ...t, startedAt: t.startedAt ?? at, failedAt: at } : t),
  failWithParent: (t: TaskTimes, at: Date) =>
    !t.pickedAt && !t.cancelledAt && !t.failedAt ? { ...t, failedAt: at } : t,
  putBack: (t: TaskTimes) => (isHeld(t) ? { ...t, pickedAt: null, startedAt: null } : t),
  cancel: (t: TaskTimes, at: Date) =>
    !t.completedAt && !t.failedAt && !t.cancelledAt ? { ...t, cancelledAt: at } : t,
  revive: (t: TaskTimes) => (t.failedAt || t.cancelledAt ? UNTOUCHED : t),
}
const isHeld = (t: TaskTimes) => t.pickedAt && !t.completedAt && !t.failedAt && !t.cancelledAt

const steps = fc.array(fc.constantFrom(...Object.values(STEPS)), { maxLength: 20 })

/** The times after each of these steps, one second apart. */
function walk(taken: (typeof STEPS)[keyof typeof STEPS][]): TaskTimes[] {
  const path = [UNTOUCHED]
  for (const step of taken) path.push(step(path.at(-1)!, new Date(1000 * path.length)))
  return path
}

test('a task that was never touched is pending', () => {
  expect(stateOf(UNTOUCHED)).toBe('pending')
})

test('whatever is done to a task, its state only goes where the state machine allows', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const states = walk(taken).map(stateOf)
      states.slice(1).forEach((to, index) => {
        const from = states[index]!
        if (from !== to && !canBecome(from, to)) throw new Error(`${from} became ${to}`)
      })
    }),
    { numRuns: 300 },
  )
})

test('every transition that the state machine allows is one that some step makes', () => {
  const seen = new Set<string>()
  const visit = (times: TaskTimes, depth: number) => {
    for (const step of Object.values(STEPS)) {
      const after = step(times, new Date(1000 * depth))
      if (after === times) continue
      seen.add(`${stateOf(times)} → ${stateOf(after)}`)
      if (depth < 5) visit(after, depth + 1)
    }
  }
  visit(UNTOUCHED, 1)
  const allowed = TASK_STATES.flatMap((from) =>
    TASK_STATES.filter((to) => canBecome(from, to)).map((to) => `${from} → ${to}`),
  )
  expect([...seen].sort()).toEqual(allowed.sort())
})

test('no state leads to itself, and one that has ended only to a new life, unless it completed', () => {
  for (const state of TASK_STATES) {
    expect(canBecome(state, state)).toBe(false)
    const next = TASK_STATES.filter((to) => canBecome(state, to))
    if (isEnded(state)) expect(next).toEqual(state === 'completed' ? [] : ['pending'])
    else expect(next).not.toEqual([])
  }
})

test('a duration is there once a task has both started and ended, and is never negative', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const times = walk(taken).at(-1)!
      const seconds = durationSeconds(times)
      const hasBoth = times.startedAt !== null && isEnded(stateOf(times))
      expect(seconds === null).toBe(!hasBoth)
      expect(seconds ?? 0).toBeGreaterThanOrEqual(0)
    }),
  )
})

test('a duration keeps milliseconds', () => {
  const times = { ...UNTOUCHED, pickedAt: new Date(0), startedAt: new Date(5), completedAt: new Date(1234) }
  expect(durationSeconds(times)).toBe(1.229)
})
