import { expect, test } from 'bun:test'
import { FILTER_STATES, isEmptyFilter, parseFilter, writeFilter } from '../../../web/src/filter.ts'
import fc from '../../support/property.ts'

test('a query names a state, a worker and words, in any order', () => {
  expect(parseFilter('nightly state:failed  worker:w3 report').filter).toEqual({
    state: 'failed',
    worker: 'w3',
    text: 'nightly report',
  })
})

test('quotes keep words together', () => {
  expect(parseFilter('worker:"rack 3" "two words"').filter).toEqual({ worker: 'rack 3', text: 'two words' })
})

test('states are read whatever their case', () => {
  expect(parseFilter('state:FAILED').filter).toEqual({ state: 'failed' })
})

test('a state that there is not is said to be none, and narrows nothing', () => {
  const { filter, fault } = parseFilter('state:broken')
  expect(filter).toEqual({})
  expect(fault).toContain('broken')
})

test('what is being typed is no fault', () => {
  expect(parseFilter('state:')).toEqual({ filter: {}, fault: null })
  expect(parseFilter('worker:')).toEqual({ filter: {}, fault: null })
  expect(isEmptyFilter(parseFilter('  ').filter)).toBe(true)
})

test('a filter written as a query reads as the same filter', () => {
  const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
  const filters = fc.record(
    { state: fc.constantFrom(...FILTER_STATES), worker: fc.oneof(word, fc.constant('rack 3')), text: word },
    { requiredKeys: [] },
  )
  fc.assert(fc.property(filters, (filter) => expect(parseFilter(writeFilter(filter)).filter).toEqual(filter)))
})

test('no text makes reading fail', () => {
  fc.assert(fc.property(fc.string(), (query) => void parseFilter(query)))
})
