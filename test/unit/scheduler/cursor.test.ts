import { expect, test } from 'bun:test'
import { readCursor, writeCursor } from '../../../src/scheduler/cursor.ts'
import fc from '../../support/property.ts'

const ID = '01a1fbae-d225-73d8-8791-06ff1738b764'

test('a cursor is read back to the microsecond', () => {
  for (const scheduledAt of [
    '2023-12-24 17:04:00.123456+00',
    '2023-12-24 17:04:00+00',
    '9999-12-31 23:59:59.9+00',
  ]) {
    expect(readCursor(writeCursor({ scheduledAt, id: ID }))).toEqual({ scheduledAt, id: ID })
  }
})

test('what we did not write is no cursor', () => {
  const write = (text: string) => Buffer.from(text).toString('base64url')
  const forged = [
    `2023-02-30 00:00:00+00|${ID}`,
    `infinity|${ID}`,
    '2023-12-24 17:04:00+00|x',
    '',
    '|',
    'null',
  ]
  for (const text of forged) expect(readCursor(write(text))).toBeNull()
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readCursor(text)).toBeNull()
    }),
  )
})
