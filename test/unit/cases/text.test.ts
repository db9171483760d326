import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createKeptText, OUTPUT_LIMITS, truncate } from '../../../src/shared/core/output.ts'
import { headOf, partsOf, shorten, tailOf } from '../../../src/shared/core/text.ts'
import type { SlotProgress, SlotSaid } from '../../../src/worker/messages.ts'
import { createMouth } from '../../../src/worker/mouth.ts'

/** Texts with many characters of two units. */
const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '👩‍🚀', '\n'), maxLength: 400 })
const limit = fc.integer({ min: 2, max: 300 })
const RUNS = { numRuns: 300, seed: 11 }

test('a text is cut between characters, at its beginning and its end, and into parts', () => {
  fc.assert(
    fc.property(text, limit, (whole, most) => {
      const [head, tail, parts] = [headOf(whole, most), tailOf(whole, most), partsOf(whole, most)]
      for (const cut of [head, tail, ...parts, shorten(whole, most)]) {
        expect(cut.isWellFormed()).toBeTrue()
        expect(cut.length).toBeLessThanOrEqual(most)
      }
      expect(whole.startsWith(head) && whole.endsWith(tail)).toBeTrue()
      expect(parts.join('')).toBe(whole)
      expect(head.length).toBeGreaterThanOrEqual(Math.min(whole.length, most - 1))
    }),
    RUNS,
  )
})

test('what is left of a long text is whole characters, and the number of those left out is true', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 100, max: 300 }), (whole, most) => {
      const cut = truncate(whole, most)
      expect(cut.isWellFormed()).toBeTrue()
      if (whole.length <= most) return expect(cut).toBe(whole)
      const [, head = '', count] = /^([\s\S]*)… \[truncated, (\d+) characters left out\]$/.exec(cut) ?? []
      expect(whole.startsWith(head)).toBeTrue()
      expect(Number(count)).toBe(whole.length - head.length)
    }),
    RUNS,
  )
})

test('the beginning and the end of an output are whole characters, however it arrives', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), fc.integer({ min: 100, max: 300 }), (pieces, most) => {
      const kept = createKeptText(most)
      for (const piece of pieces) kept.add(piece)
      const whole = pieces.join('')
      const found = kept.text() ?? ''
      expect(found.isWellFormed()).toBeTrue()
      const [, head = '', count, tail = ''] =
        /^([\s\S]*)\n… \[truncated, (\d+) characters left out\]\n([\s\S]*)$/.exec(found) ?? []
      if (count === undefined) return expect(found).toBe(whole)
      expect(whole.startsWith(head) && whole.endsWith(tail)).toBeTrue()
      expect(Number(count)).toBe(whole.length - head.length - tail.length)
    }),
    RUNS,
  )
})

function listen() {
  const posted: (SlotSaid | SlotProgress)[] = []
  const mouth = createMouth((message) => posted.push(message))
  return {
    mouth,
    texts: () => posted.flatMap((one) => ('lines' in one ? one.lines.map(({ text }) => text) : [])),
  }
}

test('a long line becomes several, cut between characters', () => {
  for (const before of [OUTPUT_LIMITS.line - 1, OUTPUT_LIMITS.line, OUTPUT_LIMITS.line + 1]) {
    const { mouth, texts } = listen()
    const line = `${'x'.repeat(before)}😀${'y'.repeat(10)}`
    mouth.say('stdout', `${line}\n`)
    mouth.end()
    expect(texts()).toHaveLength(2)
    expect(texts().every((text) => text.isWellFormed())).toBeTrue()
    expect(texts().join('')).toBe(line)
  }
})

test('a line is one line, however long its parts take to come', () => {
  const { mouth, texts } = listen()
  for (const piece of ['abc', '', 'def', '\n', 'g', '\r', '\n', '\n', 'h']) mouth.say('stdout', piece)
  mouth.end()
  expect(texts()).toEqual(['abcdef', 'g', '', 'h'])
})

test('the end of a line that is as long as a line may be is no line of its own', () => {
  for (const end of ['\n', '\r\n']) {
    const { mouth, texts } = listen()
    mouth.say('stdout', 'x'.repeat(OUTPUT_LIMITS.line))
    for (const piece of end) mouth.say('stdout', piece)
    mouth.end()
    expect(texts().map(({ length }) => length)).toEqual([OUTPUT_LIMITS.line])
  }
})

test('a line that does not end is passed on when it is full', () => {
  const { mouth, texts } = listen()
  for (let n = 0; n < 30; n++) mouth.say('stdout', 'x'.repeat(1000))
  mouth.end()
  const full = OUTPUT_LIMITS.line
  expect(texts().map(({ length }) => length)).toEqual([full, full, full, 30_000 - 3 * full])
})

test('what cannot be stored of what is said is replaced', () => {
  const { mouth, texts } = listen()
  mouth.say('stdout', 'a\0b\n')
  mouth.say('log', 'c\ud83d d')
  mouth.end()
  expect(texts()).toEqual(['a\ufffdb', 'c\ufffd d'])
  expect(mouth.output()).toBe('a\ufffdb\nc\ufffd d\n')
})
