import { expect, test } from 'bun:test'
import { parseCron } from '../../../../../src/shared/core/schedule/cron.ts'
import { type Timing, timetable } from '../../../../../src/shared/core/schedule/timetable.ts'

const timing = (more: Partial<Timing>): Timing => ({
  ...{ cron: null, timeZone: 'UTC', everyMs: null, anchorAt: null, startsAt: null, endsAt: null },
  ...more,
})
const day = (text: string) => new Date(`2027-01-${text}Z`)

test('an interval counts from its anchor and has no tick before it', () => {
  const table = timetable(timing({ everyMs: 7000, anchorAt: day('01T00:00:01') }))
  expect(table.next(day('01T00:00:00'))).toEqual(day('01T00:00:01'))
  expect(table.next(day('01T00:00:01'))).toEqual(day('01T00:00:08'))
  expect(table.next(day('01T00:00:07.999'))).toEqual(day('01T00:00:08'))
  expect(table.back(day('01T00:00:22'), 2)).toEqual(day('01T00:00:08'))
  expect(table.back(day('01T00:00:09'), 3)).toBeNull()
})

test('an interval does not care for changes of the clock', () => {
  const table = timetable(
    timing({ everyMs: 3_600_000, anchorAt: new Date('2027-03-28T00:00:00Z'), timeZone: 'Europe/Berlin' }),
  )
  const ticks = table.between(new Date('2027-03-27T23:59:59Z'), new Date('2027-03-28T03:00:00Z'), 10)
  expect(ticks.map((tick) => tick.getUTCHours())).toEqual([0, 1, 2, 3])
})

test('ticks come from the start to the end, both included', () => {
  const table = timetable(
    timing({ cron: '0 0 * * *', startsAt: day('10T00:00:00'), endsAt: day('12T00:00:00') }),
  )
  expect(table.between(day('01T00:00:00'), day('30T00:00:00'), 10)).toEqual([
    day('10T00:00:00'),
    day('11T00:00:00'),
    day('12T00:00:00'),
  ])
  expect(table.next(day('12T00:00:00'))).toBeNull()
})

test('no more ticks are given than asked for', () => {
  expect(
    timetable(timing({ cron: '* * * * * *' })).between(day('01T00:00:00'), day('30T00:00:00'), 3),
  ).toHaveLength(3)
})

test('whether times are written out is told as it is acted on', () => {
  const gap = new Date('2027-03-28T01:00:00Z')
  const patterns = [
    '30 2 * * *',
    '0 15,45 2 * * *',
    '30 1-3 * * *',
    '*/30 2 * * *',
    '30 0-23/2 * * *',
    '? 2 * * *',
  ]
  for (const cron of patterns) {
    const times = parseCron(cron, 'Europe/Berlin')
    // 02:30 does not exist: what is written out comes at the end of the gap instead.
    const comesAtGap = times.next(new Date(gap.getTime() - 1))?.getTime() === gap.getTime()
    expect({ cron, isFixedTime: times.isFixedTime }).toEqual({ cron, isFixedTime: comesAtGap })
  }
  expect(parseCron('@daily', 'UTC').isFixedTime).toBeTrue()
  expect(parseCron('@hourly', 'UTC').isFixedTime).toBeFalse()
})
