import { expect, test } from 'bun:test'
import { parsePriority, priorityName } from '../../../src/cli/priority.ts'
import fc from '../../support/property.ts'

test.each([
  ['LOW', 0],
  ['MEDIUM', 1],
  ['HIGH', 2],
  ['CRITICAL', 3],
  ['critical', 3],
  ['-32768', -32_768],
  ['32767', 32_767],
])('%s is %d', (text, priority) => {
  expect(parsePriority(text)).toBe(priority)
})

test.each(['URGENT', '', '1.5', '32768', '-32769', '0x1', 'toString'])('"%s" is refused', (text) => {
  expect(() => parsePriority(text)).toThrow(`Invalid priority: ${text}`)
})

test('what is shown of a priority reads back as that priority', () => {
  fc.assert(
    fc.property(fc.integer({ min: -32_768, max: 32_767 }), (priority) => {
      expect(parsePriority(priorityName(priority))).toBe(priority)
    }),
  )
})
