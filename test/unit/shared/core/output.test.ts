import { expect, test } from 'bun:test'
import { createKeptText, truncate } from '../../../../src/shared/core/output.ts'
import fc from '../../../support/property.ts'

test('a text that fits stays as it is; a longer one is cut and says by how much', () => {
  expect(truncate('x'.repeat(100), 100)).toBe('x'.repeat(100))
  const cut = truncate('x'.repeat(1000), 100)
  const [, kept = '', leftOut] = /^(x+)… \[truncated, (\d+) characters left out\]$/.exec(cut) ?? []
  expect(kept.length + Number(leftOut)).toBe(1000)
  expect(cut.length).toBeLessThanOrEqual(100)
})

test('of a text of any length, in whatever pieces, the beginning and the end are kept', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 }), { maxLength: 40 }), (pieces) => {
      const kept = createKeptText(500)
      for (const piece of pieces) kept.add(piece)
      const whole = pieces.join('')
      const text = kept.text()
      if (whole === '') return expect(text).toBeNull()
      expect(text?.length ?? 0).toBeLessThanOrEqual(500)
      const [head = '', mark, tail = ''] = (text ?? '').split(
        /\n(… \[truncated, \d+ characters left out\])\n/,
      )
      if (!mark) return expect(text).toBe(whole)
      expect(whole.startsWith(head) && whole.endsWith(tail)).toBe(true)
      expect(head.length + tail.length + Number(/\d+/.exec(mark))).toBe(whole.length)
    }),
  )
})
