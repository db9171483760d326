import { expect, test } from 'bun:test'
import { formatDuration, formatSeconds, parseDurationMs } from '../../../src/cli/duration.ts'
import fc from '../../support/property.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['1.5h', 5_400_000],
  ['1h30m', 5_400_000],
  ['0s', 0],
  [' 1s ', 1000],
])('%s is %d ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms)
})

test.each(['', '30', 's', '-5s', '5 s', '1w', '1s2', 'five', '1e3s', '.5s'])('"%s" is refused', (text) => {
  expect(() => parseDurationMs(text)).toThrow(`Invalid duration: ${text}.`)
})

test('any number of parts adds up', () => {
  const part = fc.tuple(fc.nat(10_000), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), (parts) => {
      const text = parts.map(([amount, unit]) => `${amount}${unit}`).join('')
      const sum = parts.reduce(
        (total, [amount, unit]) => total + amount * unitMs[unit as keyof typeof unitMs],
        0,
      )
      expect(parseDurationMs(text)).toBe(sum)
    }),
  )
})

test('spans are shown in the unit that suits them', () => {
  expect([null, 0.25, 119, 120, 7200].map(formatSeconds)).toEqual([
    '',
    '0.250 s',
    '119.000 s',
    '2.0 min',
    '2.0 h',
  ])
})

test('a time span is written in its largest whole unit, and read as the same', () => {
  expect([250, 1000, 90_000, 60_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
    '250ms',
    '1s',
    '90s',
    '1m',
    '1h',
    '1d',
  ])
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e9 }), (ms) => parseDurationMs(formatDuration(ms)) === ms))
})
