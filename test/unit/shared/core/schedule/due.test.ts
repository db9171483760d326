import { describe, expect, test } from 'bun:test'
import {
  decideDue,
  LATE_MS,
  MAX_MISSED,
  MAX_QUEUED,
  type Standing,
} from '../../../../../src/shared/core/schedule/due.ts'
import { timetable } from '../../../../../src/shared/core/schedule/timetable.ts'

const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)
const eachMinute = timetable({
  ...{ cron: null, everyMs: 60_000, anchorAt: at(0), timeZone: 'UTC', startsAt: null, endsAt: null },
})
const standing = (more: Partial<Standing> = {}): Standing => ({
  ...{ catchUp: 'last', catchUpWindowMs: 3_600_000, overlap: 'allow', nextAt: at(0) },
  ...{ queued: 0, firstQueued: null, runningTaskId: null },
  ...more,
})
const outcomes = (given: Partial<Standing>, now: Date, limit?: number) =>
  decideDue(standing(given), eachMinute, now, limit).decisions.map(({ outcome }) => outcome)

test('a tick that is due is fired, and the next one is known', () => {
  expect(decideDue(standing(), eachMinute, at(0))).toEqual({
    decisions: [{ tickAt: at(0), outcome: 'fired', reason: null }],
    nextAt: at(60),
    queued: 0,
  })
})

test('nothing is due before its time', () => {
  expect(decideDue(standing(), eachMinute, new Date(at(0).getTime() - 1))).toEqual({
    decisions: [],
    nextAt: at(0),
    queued: 0,
  })
})

test('a tick is on time for ten seconds, whatever its schedule says about late ones', () => {
  const limit = new Date(at(0).getTime() + LATE_MS)
  expect(outcomes({ catchUp: 'skip' }, limit)).toEqual(['fired'])
  expect(outcomes({ catchUp: 'skip' }, new Date(limit.getTime() + 1))).toEqual(['skipped'])
  expect(outcomes({ catchUp: 'all' }, new Date(limit.getTime() + 1))).toEqual(['caught_up'])
})

test('of missed ticks the latest is caught up, unless a newer one is on time', () => {
  expect(outcomes({}, at(3 * 60 + 30))).toEqual(['skipped', 'skipped', 'skipped', 'caught_up'])
  expect(outcomes({}, at(3 * 60 + 1))).toEqual(['skipped', 'skipped', 'skipped', 'fired'])
})

test('of ticks that are decided in parts, none but the last part has the latest', () => {
  expect(outcomes({}, at(3 * 60 + 30), 2)).toEqual(['skipped', 'skipped'])
  expect(decideDue(standing(), eachMinute, at(3 * 60 + 30), 2).nextAt).toEqual(at(120))
  expect(outcomes({ nextAt: at(120) }, at(3 * 60 + 30), 2)).toEqual(['skipped', 'caught_up'])
})

test('what is older than the window is not caught up', () => {
  const window = { catchUpWindowMs: 90_000 }
  expect(outcomes({ ...window, catchUp: 'all' }, at(3 * 60 + 20))).toEqual([
    'skipped',
    'skipped',
    'caught_up',
    'caught_up',
  ])
  expect(outcomes({ catchUpWindowMs: 15_000 }, at(3 * 60 + 20))).toEqual(Array(4).fill('skipped'))
})

describe('while the task of an earlier tick runs', () => {
  const runningTaskId = crypto.randomUUID()

  test('a tick is fired beside it, skipped or queued, as the schedule says', () => {
    expect(outcomes({ runningTaskId }, at(0))).toEqual(['fired'])
    expect(outcomes({ runningTaskId, overlap: 'skip' }, at(0))).toEqual(['skipped'])
    expect(decideDue(standing({ runningTaskId, overlap: 'queue' }), eachMinute, at(0))).toMatchObject({
      decisions: [{ outcome: 'queued' }],
      queued: 1,
    })
  })

  test('ticks that are due together overlap each other too', () => {
    expect(outcomes({ overlap: 'skip', catchUp: 'all' }, at(2 * 60 + 1))).toEqual([
      'caught_up',
      'skipped',
      'skipped',
    ])
    expect(outcomes({ overlap: 'queue', catchUp: 'all' }, at(2 * 60 + 1))).toEqual([
      'caught_up',
      'queued',
      'queued',
    ])
  })

  test('no more than so many wait', () => {
    const full = { runningTaskId, overlap: 'queue' as const, queued: MAX_QUEUED, firstQueued: at(-60) }
    expect(outcomes(full, at(0))).toEqual(['skipped'])
  })

  test('the first that waits goes when it has ended, before what is due then', () => {
    const waiting = { overlap: 'queue' as const, queued: 2, firstQueued: at(-120) }
    expect(decideDue(standing(waiting), eachMinute, at(0))).toEqual({
      decisions: [
        { tickAt: at(-120), outcome: 'fired', reason: 'waited in the queue' },
        { tickAt: at(0), outcome: 'queued', reason: 'the task of an earlier tick had not ended' },
      ],
      nextAt: at(60),
      queued: 2,
    })
  })
})

test('of very many missed ticks the latest are decided, and one row stands for those in between', () => {
  const now = at(60 * (MAX_MISSED + 2000) + 1)
  const { decisions, nextAt } = decideDue(standing({ catchUp: 'skip' }), eachMinute, now)
  expect(decisions[0]).toEqual({
    tickAt: at(0),
    outcome: 'skipped',
    reason: `missed, as were those after it but for the latest ${MAX_MISSED}`,
  })
  expect(decisions[1]?.tickAt).toEqual(at(60 * 2001))
  expect(nextAt! <= now).toBeTrue()
})

test('after its last tick a schedule has none', () => {
  const ending = timetable({
    ...{ cron: null, everyMs: 60_000, anchorAt: at(0), timeZone: 'UTC', startsAt: null, endsAt: at(60) },
  })
  expect(decideDue(standing({ nextAt: at(60) }), ending, at(61))).toMatchObject({
    decisions: [{ outcome: 'fired' }],
    nextAt: null,
  })
  expect(decideDue(standing({ nextAt: null }), ending, at(61))).toEqual({
    decisions: [],
    nextAt: null,
    queued: 0,
  })
})
