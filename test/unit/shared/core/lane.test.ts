import { expect, test } from 'bun:test'
import { capabilityKey, laneOf, NAME_PATTERN, readLane } from '../../../../src/shared/core/lane.ts'
import fc from '../../../support/property.ts'

const name = fc.stringMatching(new RegExp(NAME_PATTERN.source.replace('*$', '{0,10}$')))
const names = fc.uniqueArray(name, { maxLength: 4 })
const needs = fc.record({
  queue: fc.oneof(fc.constant('default'), name),
  executor: fc.constantFrom('simulate', 'shell', 'function'),
  command: name,
  labels: names,
})

test('what is at its default is left out', () => {
  const plain = { queue: 'default', executor: 'simulate', command: 'x', labels: [] }
  expect(laneOf(plain)).toBe('//')
  expect(laneOf({ ...plain, queue: 'mail', labels: ['gpu', 'eu', 'gpu'] })).toBe('mail//eu,gpu')
  expect(laneOf({ ...plain, executor: 'function', command: 'send' })).toBe('/function:send/')
})

test('a lane says what it was made of, and lanes are the same only for the same needs', () => {
  fc.assert(
    fc.property(needs, needs, (one, other) => {
      const need = ({ executor, command }: typeof one) =>
        executor === 'function' ? `function:${command}` : executor
      const parts = (of: typeof one) => ({ queue: of.queue, need: need(of), labels: of.labels.toSorted() })
      expect(readLane(laneOf(one))).toEqual(parts(one))
      expect(laneOf(one) === laneOf(other)).toBe(Bun.deepEquals(parts(one), parts(other)))
    }),
  )
})

test('workers are alike when they run the same, in whatever order they say it', () => {
  expect(capabilityKey({ executors: ['b', 'a'], labels: ['y', 'x'] })).toBe(
    capabilityKey({ executors: ['a', 'b'], labels: ['x', 'y'] }),
  )
  expect(capabilityKey({ executors: ['a'], labels: ['b'] })).not.toBe(
    capabilityKey({ executors: ['a', 'b'], labels: [] }),
  )
})
