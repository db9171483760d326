import { expect, test } from 'bun:test'
import { parseInstant } from '../../../src/scheduler/instant.ts'
import fc from '../../support/property.ts'

test.each([
  ['2023-12-24T22:34:00+05:30', '2023-12-24T17:04:00.000Z'],
  ['2023-12-24T22:34:00Z', '2023-12-24T22:34:00.000Z'],
  ['2023-12-24T22:34Z', '2023-12-24T22:34:00.000Z'],
  ['2023-12-24T22:34:00.1Z', '2023-12-24T22:34:00.100Z'],
  ['2023-12-24T22:34:00.123456789-0800', '2023-12-25T06:34:00.123Z'],
  ['2023-12-24t22:34:00,5z', '2023-12-24T22:34:00.500Z'],
  ['2024-02-29T23:59:59+14', '2024-02-29T09:59:59.000Z'],
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
])('%s is %s', (text, instant) => {
  expect(parseInstant(text)?.toISOString()).toBe(instant)
})

test.each([
  '',
  'tomorrow',
  'now',
  '1703437440',
  '2023-12-24',
  '2023-12-24T22:34:00',
  '2023-12-24 22:34:00Z',
  '2023-02-29T00:00:00Z',
  '2023-00-10T00:00:00Z',
  '2023-04-31T00:00:00Z',
  '2023-12-24T24:00:00Z',
  '2023-12-24T22:34:60Z',
  '2023-12-24T22:34:00+24:00',
  '1970-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  '10000-01-01T00:00:00Z',
  '2023-12-24T22:34:00Z ',
  '2023-12-24T22:34:00Z\0',
  '２０２３-12-24T22:34:00Z',
])('%p is no instant', (text) => {
  expect(parseInstant(text)).toBeNull()
})

test('every instant of these years survives being written in any offset', () => {
  const instants = fc.date({ min: new Date('1971-01-01'), max: new Date('9998-12-31'), noInvalidDate: true })
  const offsets = fc.integer({ min: -23 * 60, max: 23 * 60 })
  fc.assert(
    fc.property(instants, offsets, (instant, minutes) => {
      const wall = new Date(instant.getTime() + minutes * 60_000).toISOString().slice(0, -1)
      const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
      const offset = `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
      expect(parseInstant(wall + offset)).toEqual(instant)
    }),
  )
})
