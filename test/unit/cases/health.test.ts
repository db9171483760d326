import { describe, expect, test } from 'bun:test'
import { createHerald } from '../../../src/scheduler/operations/health/herald.ts'
import {
  type CoordinatorFacts,
  type Facts,
  judge,
  missingIn,
} from '../../../src/scheduler/operations/health/judge.ts'
import { createStanding } from '../../../src/scheduler/operations/health/standing.ts'
import type { HealthView } from '../../../src/scheduler/operations/health/view.ts'
import { HEALTHY } from '../../support/health.ts'

const NOW = 100_000
const FULL = { message: 'The database is out of disk space.', code: '53100' }
const DATABASE: Facts['database'] = {
  ...{ answeredAt: NOW - 10, askedAt: null, readFailure: null, writeFailure: null, refusal: null },
}

const coordinator = (rest: Partial<CoordinatorFacts> = {}): CoordinatorFacts => ({
  ...{ address: 'a:1', id: 'A', isNamed: true, failure: null, silentMs: null },
  ...{ answer: { isStopping: false, troubles: [] }, ...rest },
})

function facts(
  database: Partial<Facts['database']> = {},
  coordinators: CoordinatorFacts[] = [coordinator()],
  feed: Facts['feed'] = { currentAt: NOW - 10, failure: null },
): Facts {
  return { now: NOW, database: { ...DATABASE, ...database }, feed, coordinators }
}

const FINE = { state: 'ok', message: null, code: null } as const
const NOTHING_LOST = 'Nothing is lost: tasks wait until it does, and workers go on with what they run.'
const NOT_STORED = 'Nothing new can be stored until that is mended; what was accepted is not lost.'

test('when everything answers, all is well and nothing is missing', () => {
  const verdict = judge(facts())
  expect(verdict).toEqual({
    ...FINE,
    database: FINE,
    feed: FINE,
    coordinators: [{ ...FINE, address: 'a:1', id: 'A', waiting: 0, troubles: [] }],
  })
  expect(missingIn(verdict)).toEqual([])
})

describe('the database', () => {
  test('that has not been asked yet is unknown, and missing', () => {
    const verdict = judge(facts({ answeredAt: null }))
    expect(verdict).toMatchObject({ state: 'unknown', database: { state: 'unknown', message: null } })
    expect(missingIn(verdict)).toEqual(['database'])
  })

  test('may take a second to answer, and is down after that, whatever else it says', () => {
    expect(judge(facts({ askedAt: NOW - 1000 })).database).toEqual(FINE)
    const verdict = judge(facts({ askedAt: NOW - 1001, writeFailure: FULL }))
    const down = {
      state: 'down',
      message: `PostgreSQL is not answering. ${NOTHING_LOST}`,
      code: null,
    } as const
    expect(verdict).toMatchObject({ ...down, database: down, feed: { state: 'unknown' } })
    expect(missingIn(verdict)).toEqual(['database'])
  })

  test('that cannot be reached is down, in the words of its error', () => {
    const failure = { message: 'PostgreSQL cannot be reached.', code: 'ECONNREFUSED' }
    expect(judge(facts({ readFailure: failure })).database).toEqual({
      ...{ state: 'down', message: `PostgreSQL cannot be reached. ${NOTHING_LOST}`, code: 'ECONNREFUSED' },
    })
  })

  test('that reads and does not write is degraded, and missing', () => {
    const verdict = judge(facts({ writeFailure: FULL }))
    const degraded = { state: 'degraded', message: `${FULL.message} ${NOT_STORED}`, code: '53100' } as const
    expect(verdict).toMatchObject({ ...degraded, database: degraded })
    expect(missingIn(verdict)).toEqual(['database'])
  })

  test('that refused a caller’s write is degraded for ten seconds', () => {
    const at = (ago: number) => judge(facts({ refusal: { ...FULL, at: NOW - ago } })).database.state
    expect([at(0), at(10_000), at(10_001)]).toEqual(['degraded', 'degraded', 'ok'])
  })
})

describe('coordinators', () => {
  test('one that only the database keeps from its work is not missing besides', () => {
    const troubles = [{ message: 'The database does not answer.' }]
    const waiting = [coordinator({ answer: { isStopping: false, troubles } })]
    expect(missingIn(judge(facts({ askedAt: NOW - 5000 }, waiting)))).toEqual(['database'])
    expect(missingIn(judge(facts({}, waiting)))).toEqual(['coordinator'])
  })

  test('one that cannot store reports is named, with what waits', () => {
    const troubles = [{ message: 'The database is out of disk space.', code: '53100', waiting: 3 }]
    const verdict = judge(facts({}, [coordinator({ answer: { isStopping: false, troubles } })]))
    const message = 'The coordinator at a:1: The database is out of disk space. 3 wait.'
    expect(verdict).toMatchObject({ state: 'degraded', message, code: '53100' })
    expect(verdict.coordinators).toEqual([
      {
        state: 'degraded',
        message,
        code: '53100',
        address: 'a:1',
        id: 'A',
        waiting: 3,
        troubles: ['The database is out of disk space. 3 wait.'],
      },
    ])
    expect(missingIn(verdict)).toEqual(['coordinator'])
  })

  test('one of two that is gone is named, and nothing is missing', () => {
    const gone = coordinator({ address: 'b:2', id: null, answer: null, failure: 'no answer' })
    const verdict = judge(facts({}, [coordinator(), gone]))
    expect(verdict).toMatchObject({ state: 'degraded', message: 'The coordinator at b:2 does not answer.' })
    expect(missingIn(verdict)).toEqual([])
  })

  test('when none can be reached the system is down, and says that nothing is given to a worker', () => {
    const verdict = judge(facts({}, [coordinator({ answer: null, failure: 'no connection' })]))
    expect(verdict).toMatchObject({
      state: 'down',
      message:
        'The coordinator at a:1 cannot be reached. No coordinator can be reached, so no task is given to a worker.',
    })
    expect(judge(facts({}, [])).state).toBe('down')
    expect(missingIn(verdict)).toEqual(['coordinator'])
  })

  test('one that only the table names and that writes there is not called down, because only we may not reach it', () => {
    const found = { isNamed: false, answer: null, failure: 'no connection' } as const
    const state = (silentMs: number | null) =>
      judge(facts({}, [coordinator({ ...found, silentMs })])).coordinators[0]!.state
    expect([state(0), state(3000), state(3001), state(null)]).toEqual(['unknown', 'unknown', 'down', 'down'])
  })

  test('one that is stopping takes nothing new', () => {
    const verdict = judge(facts({}, [coordinator({ answer: { isStopping: true, troubles: [] } })]))
    expect(verdict.coordinators[0]).toMatchObject({
      state: 'degraded',
      message: 'The coordinator at a:1 is stopping.',
    })
    expect(missingIn(verdict)).toEqual(['coordinator'])
  })
})

test('a feed that hears nothing is late, which keeps nobody from work', () => {
  const at = (ago: number, failure: Facts['feed']['failure'] = null) =>
    judge(facts({}, [coordinator()], { currentAt: NOW - ago, failure }))
  expect(at(3000).feed).toEqual(FINE)
  expect(at(3001).feed).toEqual({
    ...{ state: 'degraded', code: null },
    message: 'Live updates are late: the database sends no notices. Tasks go on.',
  })
  const failure = { message: 'The database has reached one of its own limits.', code: '54000' }
  const verdict = at(3001, failure)
  expect(verdict.feed).toMatchObject({ state: 'degraded', code: '54000' })
  expect(missingIn(verdict)).toEqual([])
})

test('each part keeps since when it is in its state, not since when its words changed', () => {
  const times = [1000, 2000, 3000]
  const standing = createStanding(() => times.shift()!)
  const since = (state: 'ok' | 'down', message: string | null) =>
    standing.of('database', { state, message, code: null }).since
  expect([
    since('ok', null),
    since('ok', null),
    since('down', 'a'),
    since('down', 'b'),
    since('ok', null),
  ]).toEqual([1000, 1000, 2000, 2000, 3000].map((ms) => new Date(ms).toISOString()))
})

describe('watchers', () => {
  function watch() {
    const told: string[] = []
    const herald = createHerald({
      began: (message) => told.push(`began: ${message}`),
      ended: (message) => told.push(`ended: ${message}`),
    })
    const look = (
      at: number,
      database: Partial<HealthView['database']> = {},
      rest: Partial<HealthView> = {},
    ) => herald.look({ ...HEALTHY, ...rest, database: { ...HEALTHY.database, ...database } }, at)
    return { told, look }
  }
  const DOWN = { state: 'down', message: 'PostgreSQL is not answering.' } as const

  test('are told of a trouble once when it has lasted two seconds, and once when it is over', () => {
    const { told, look } = watch()
    for (const at of [0, 1000, 2000, 3000, 4000]) look(at, DOWN)
    expect(told).toEqual(['began: PostgreSQL is not answering.'])
    look(5000, { state: 'unknown', message: null })
    for (const at of [12_000, 13_000]) look(at)
    expect(told.slice(1)).toEqual(['ended: The database is well again, after 12 s'])
  })

  test('are not told of a blink', () => {
    const { told, look } = watch()
    look(0, DOWN)
    look(1000)
    look(2000, DOWN)
    look(3000)
    expect(told).toEqual([])
  })

  test('are told when a coordinator in trouble is not there any more', () => {
    const { told, look } = watch()
    const [coordinator] = HEALTHY.coordinators
    const gone = { ...coordinator!, state: 'down', message: 'It does not answer.' } as const
    look(0, {}, { coordinators: [gone] })
    look(2000, {}, { coordinators: [gone] })
    look(60_000, {}, { coordinators: [] })
    expect(told).toEqual([
      'began: It does not answer.',
      'ended: The coordinator at localhost:8080 is gone for good, after 60 s',
    ])
  })
})
