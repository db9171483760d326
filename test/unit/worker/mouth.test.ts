import { expect, test } from 'bun:test'
import { OUTPUT_LIMITS } from '../../../src/shared/core/output.ts'
import type { SlotProgress, SlotSaid } from '../../../src/worker/messages.ts'
import { createMouth } from '../../../src/worker/mouth.ts'
import fc from '../../support/property.ts'
import { waitFor } from '../../support/wait.ts'

function listen() {
  const posted: (SlotSaid | SlotProgress)[] = []
  const mouth = createMouth((message) => posted.push(message))
  const lines = () => posted.flatMap((message) => ('lines' in message ? message.lines : []))
  return {
    mouth,
    posted,
    lines,
    texts: () => lines().map(({ text }) => text),
    progress: () => posted.flatMap((message) => ('progress' in message ? [message.progress] : [])),
  }
}

test('text becomes lines wherever it is cut, and what has no end yet waits for it', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab]{0,3}\r?\n?$/), { maxLength: 30 }), (pieces) => {
      const { mouth, texts } = listen()
      const whole = pieces.join('')
      for (const piece of pieces) mouth.say('stdout', piece)
      mouth.end()
      const expected = whole.split('\n')
      const last = expected.pop() ?? ''
      expect(texts()).toEqual([...expected.map((line) => line.replace(/\r$/, '')), ...(last ? [last] : [])])
      expect(mouth.output()).toBe(whole || null)
    }),
  )
})

test('each stream has lines of its own, and numbers rise over both', () => {
  const { mouth, lines } = listen()
  mouth.say('stdout', 'one ')
  mouth.say('stderr', 'oh\n')
  mouth.say('stdout', 'line\n')
  mouth.say('log', 'said by\na handler')
  mouth.end()
  expect(lines().map(({ seq, stream, text }) => [seq, stream, text])).toEqual([
    [1, 'stderr', 'oh'],
    [2, 'stdout', 'one line'],
    [3, 'log', 'said by'],
    [4, 'log', 'a handler'],
  ])
})

test('the first line goes at once, what follows is gathered for a moment', async () => {
  const { mouth, posted, texts } = listen()
  mouth.say('stdout', '1\n')
  expect(posted).toHaveLength(1)
  mouth.say('stdout', '2\n')
  mouth.say('stdout', '3\n')
  expect(posted).toHaveLength(1)
  await waitFor(() => texts().length === 3, { what: 'the others' })
  expect(posted).toHaveLength(2)
})

test('however much is said, no more than the limits is passed on, and one last line says so', () => {
  for (const [line, times] of [
    ['x\n', 30_000],
    [`${'x'.repeat(1000)}\n`, 3000],
  ] as const) {
    const { mouth, lines } = listen()
    for (let n = 0; n < times; n++) mouth.say('stdout', line)
    mouth.end()
    expect(lines().length).toBeLessThanOrEqual(OUTPUT_LIMITS.lines + 1)
    expect(lines().reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(OUTPUT_LIMITS.log + 100)
    expect(lines().at(-1)?.text).toStartWith('… [truncated: more than ')
    expect(mouth.output()?.length).toBeLessThanOrEqual(OUTPUT_LIMITS.output)
  }
})

test('of progress the latest is told, twice a second at most, within bounds', () => {
  const { mouth, progress } = listen()
  for (const value of [0.1, 0.2, Number.NaN, 0.3]) mouth.progress(value)
  expect(progress()).toEqual([0.1])
  mouth.progress(7)
  mouth.end()
  expect(progress()).toEqual([0.1, 1])
})

test('what is said when the task is over, nobody hears', () => {
  const { mouth, posted } = listen()
  mouth.say('log', 'last')
  mouth.end()
  const before = posted.length
  mouth.say('log', 'later')
  mouth.progress(0.5)
  mouth.end()
  expect(posted).toHaveLength(before)
})
