import { expect, test } from 'bun:test'
import { preview } from '../../../../../src/shared/core/schedule/preview.ts'
import { zoneOf } from '../../../../../src/shared/core/schedule/zone.ts'

const none = { everyMs: null, anchorAt: null, startsAt: null, endsAt: null }
const of = (cron: string, timeZone: string, after: string, count = 1) =>
  preview({ ...none, cron, timeZone }, new Date(after), count)

test('a time that does not exist is told with the time at which it fires instead', () => {
  const { ticks, changes } = of('30 2 * * *', 'Europe/Berlin', '2027-03-27T12:00:00Z')
  expect(ticks).toEqual([
    {
      at: new Date('2027-03-28T01:00:00Z'),
      local: '2027-03-28 03:00:00 +02:00',
      note: '02:30 does not exist on 2027-03-28 in Europe/Berlin: fires at 03:00',
    },
  ])
  expect(changes.map(({ note }) => note)).toEqual([
    '02:30 does not exist on 2027-03-28 in Europe/Berlin: fires at 03:00',
    '02:30 comes twice on 2027-10-31 in Europe/Berlin: fires the first time',
    '02:30 does not exist on 2028-03-26 in Europe/Berlin: fires at 03:00',
  ])
})

test('what goes on through the hour is told to do so, or to be missing', () => {
  const { ticks, changes } = of('*/30 * * * *', 'America/New_York', '2027-11-07T05:10:00Z', 5)
  const note = '01:00 and 01:30 come twice on 2027-11-07 in America/New_York: fires both times'
  expect(ticks.map(({ local, note }) => [local, note])).toEqual([
    ['2027-11-07 01:30:00 -04:00', note],
    ['2027-11-07 01:00:00 -05:00', note],
    ['2027-11-07 01:30:00 -05:00', note],
    ['2027-11-07 02:00:00 -05:00', null],
    ['2027-11-07 02:30:00 -05:00', null],
  ])
  expect(changes[1]?.note).toBe(
    '02:00 and 02:30 do not exist on 2028-03-12 in America/New_York: does not fire then',
  )
})

test('changes that do not concern it are not told', () => {
  expect(of('0 12 * * *', 'Europe/Berlin', '2027-01-01T00:00:00Z').changes).toEqual([])
  expect(of('30 2 * * *', 'Asia/Tokyo', '2027-01-01T00:00:00Z').changes).toEqual([])
  const ended = preview(
    { ...none, cron: '30 2 * * *', timeZone: 'Europe/Berlin', endsAt: new Date('2027-02-01T00:00:00Z') },
    new Date('2027-01-30T12:00:00Z'),
    10,
  )
  expect(ended.changes).toEqual([])
  expect(ended.ticks).toHaveLength(1)
})

test('a change at midnight, and one of half an hour, are told as they are', () => {
  expect(of('0 0 * * *', 'America/Havana', '2027-03-01T00:00:00Z').changes[0]?.note).toBe(
    '00:00 does not exist on 2027-03-14 in America/Havana: fires at 01:00',
  )
  expect(of('45 1 * * *', 'Australia/Lord_Howe', '2027-03-01T00:00:00Z').changes[0]?.note).toBe(
    '01:45 comes twice on 2027-04-04 in Australia/Lord_Howe: fires the first time',
  )
})

test('a zone knows its distance from UTC and when it changes', () => {
  const zone = zoneOf('Asia/Kathmandu')
  expect(zone.format(new Date('2027-01-01T00:00:00Z'))).toBe('2027-01-01 05:45:00 +05:45')
  const berlin = zoneOf('Europe/Berlin').changes(
    new Date('2027-01-01T00:00:00Z'),
    new Date('2028-01-01T00:00:00Z'),
  )
  expect(berlin.map(({ at }) => at.toISOString())).toEqual([
    '2027-03-28T01:00:00.000Z',
    '2027-10-31T01:00:00.000Z',
  ])
})
