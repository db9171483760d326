import { expect, test } from 'bun:test'
import { meaningOf } from '../../../src/shared/core/sqlstate.ts'
import {
  asAppError,
  describeDatabaseError,
  isUnavailable,
  mayBeOfOneRow,
} from '../../../src/shared/store/errors.ts'
import { readSqlstates } from '../../support/sqlstates.ts'

/** The classes of which every code is an error of ours, but for those that are named below. */
const OURS = '03 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 2D 34 3B 42'.split(' ')
const UNSTORABLE = ['22001', '22021', '22P05']
const NOT_AS_THEIR_CLASS = ['25006', '25P02', '25P03', '25P04', '42501']
/** Those that a single row may cause by what it holds: by a trigger, a limit of the server, or its own fault. */
const OF_ONE_ROW = [...OURS, '09', '27', '2F', '38', '39', '44', '54', 'P0', 'XX']

const all = await readSqlstates()
const classOf = (code: string) => code.slice(0, 2)
const error = (code: string) =>
  Object.assign(new Error('as PostgreSQL says it'), { name: 'PostgresError', code })

test('the list of SQLSTATEs is the whole one', () => {
  expect(all.length).toBeGreaterThan(240)
  expect(new Set(all.map(classOf)).size).toBeGreaterThan(38)
})

test('only what our own statements are to blame for is internal', () => {
  const internal = all.filter((code) => meaningOf(code).kind === 'internal')
  const expected = all.filter(
    (code) => OURS.includes(classOf(code)) && ![...UNSTORABLE, ...NOT_AS_THEIR_CLASS].includes(code),
  )
  expect(internal).toEqual(expected)
})

test('a text that cannot be stored is the fault of whoever sent it', () => {
  expect(all.filter((code) => meaningOf(code).kind === 'invalid')).toEqual(UNSTORABLE)
})

test('everything else is a database in trouble, in words that say which', () => {
  const rest = all.filter((code) => !OURS.includes(classOf(code)) || NOT_AS_THEIR_CLASS.includes(code))
  for (const code of rest) {
    const told = asAppError(error(code))
    expect(told).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^[A-Z].*\. Try again shortly\.$/),
    })
    expect(isUnavailable(error(code))).toBe(true)
  }
  expect((asAppError(error('53100')) as Error).message).toBe(
    'The database is out of disk space. Try again shortly.',
  )
  expect(describeDatabaseError(error('53100'))).toBe(
    'The database is out of disk space. (as PostgreSQL says it)',
  )
})

test('a class that nobody knows was raised by a trigger', () => {
  expect(meaningOf('TM999')).toMatchObject({ kind: 'unavailable', isGeneral: false })
})

test('resources, connections and locks are never the fault of a row; what a row holds may be', () => {
  const expected = all.filter(
    (code) => OF_ONE_ROW.includes(classOf(code)) && !NOT_AS_THEIR_CLASS.includes(code),
  )
  expect(all.filter((code) => mayBeOfOneRow(error(code)))).toEqual(expected)
})

test('a network in trouble is never the fault of a row, and an error of the program says nothing of the database', () => {
  for (const code of ['NO_ANSWER', 'ECONNREFUSED', 'EPIPE', 'CONNECT_TIMEOUT', 'EHOSTUNREACH']) {
    const broken = Object.assign(new Error('x'), { code })
    expect([isUnavailable(broken), mayBeOfOneRow(broken)]).toEqual([true, false])
  }
  const ours = new TypeError('x is undefined')
  expect([isUnavailable(ours), mayBeOfOneRow(ours), asAppError(ours)]).toEqual([false, false, ours])
})
