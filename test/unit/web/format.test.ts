import { expect, test } from 'bun:test'
import {
  formatCount,
  formatDuration,
  formatInstant,
  formatRate,
  formatUtc,
  plural,
  shortId,
  toLocalInput,
} from '../../../web/src/format.ts'

test('durations are told in the units that say something', () => {
  expect(
    [0, 840, 2449, 9999, 59_999, 185_000, 4_320_000, 273_600_000, 63_200_000_000].map(formatDuration),
  ).toEqual(['0 ms', '840 ms', '2.4 s', '9.9 s', '59 s', '3 min 05 s', '1 h 12 min', '3 d 4 h', '2 y 0 d'])
})

test('a duration below nothing is nothing, and one that is not known is a dash', () => {
  expect(formatDuration(-5)).toBe('0 ms')
  expect(formatDuration(Number.NaN)).toBe('–')
})

test('counts have separators, and rates decimals only where they matter', () => {
  expect(formatCount(1234567)).toBe('1,234,567')
  expect([0, 3.21, 1280.4].map(formatRate)).toEqual(['0', '3.2', '1,280'])
  expect([plural(1, 'task'), plural(1000, 'task')]).toEqual(['1 task', '1,000 tasks'])
})

test('tasks that were made together are told apart by their short ids', () => {
  const [a, b] = [Bun.randomUUIDv7('hex', 1), Bun.randomUUIDv7('hex', 1)]
  expect(shortId(a)).not.toBe(shortId(b))
})

test('an instant is shown here and in UTC, and goes into a field and back', () => {
  const at = new Date('2026-03-04T05:06:07Z')
  expect(formatUtc(at)).toBe('2026-03-04 05:06:07 UTC')
  expect(new Date(toLocalInput(at)).getTime()).toBe(at.getTime())
  expect(new Date(formatInstant(at)).getTime()).toBe(at.getTime())
})
