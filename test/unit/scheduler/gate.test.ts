import { expect, test } from 'bun:test'
import { createGate } from '../../../src/scheduler/gate.ts'

const TOO_MANY = { code: 'too_many' }

test('no more is worked on at once than may be, and room comes back with the end of work, however it ends', async () => {
  const gate = createGate(2, 1000)
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  const passing = [gate.pass(0, () => first.promise), gate.pass(0, () => second.promise)]
  expect(gate.pass(0, async () => 'third')).rejects.toMatchObject(TOO_MANY)
  first.reject(new Error('it broke'))
  expect(passing[0]!).rejects.toThrow('it broke')
  await passing[0]!.catch(() => {})
  expect(await gate.pass(0, async () => 'third')).toBe('third')
  second.resolve('second')
  expect(await passing[1]!).toBe('second')
  expect(gate.inside).toBe(0)
})

test('bodies are bounded together, but one alone always passes', async () => {
  const gate = createGate(10, 1000)
  expect(await gate.pass(5000, async () => 'large')).toBe('large')
  const held = Promise.withResolvers<void>()
  const passing = gate.pass(600, () => held.promise)
  expect(gate.pass(600, async () => {})).rejects.toMatchObject(TOO_MANY)
  await gate.pass(400, async () => {})
  held.resolve()
  await passing
  await gate.pass(600, async () => {})
})
