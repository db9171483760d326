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

test('a priority is read as it is written, with or without a comparison', () => {
  expect(parseFilter('priority:High')).toEqual({ filter: { priority: 'High' }, fault: null })
  expect(parseFilter('PRIORITY:>=2 x')).toEqual({ filter: { priority: '>=2', text: 'x' }, fault: null })
})

test.each([
  ['state:completd', /no state “completd”/],
  ['report state:broken worker:w1', /no state “broken”/],
  ['stat:failed', /no condition “stat:”/],
  ['status:failed report', /no condition “status:”/],
  ['constructor:x', /no condition “constructor:”/],
  ['priority:hihg', /no priority “hihg”/],
  ['priority:>', /no priority/],
  ['state:', /“state:” needs a value/],
  ['worker:""', /“worker:” needs a value/],
  ['state:failed state:completed', /“state:” is given twice/],
])('%s has a fault that is named', (query, naming) => {
  expect(parseFilter(query).fault).toMatch(naming)
})

test.each(['https://example.com/x', '12:30', '"stat:failed"', '::', ':x', 'é:x'])('%s is a text', (query) => {
  expect(parseFilter(query)).toEqual({ filter: { text: query.replaceAll('"', '') }, fault: null })
  expect(parseFilter(writeFilter(parseFilter(query).filter))).toEqual(parseFilter(query))
})

test('nothing is no filter', () => {
  expect(isEmptyFilter(parseFilter('  ').filter)).toBe(true)
})

test('a filter written as a query reads as the same filter', () => {
  const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
  const filters = fc.record(
    {
      state: fc.constantFrom(...FILTER_STATES),
      worker: fc.oneof(word, fc.constant('rack 3')),
      priority: fc.constantFrom('high', '>=2', '<0'),
      text: word,
    },
    { requiredKeys: [] },
  )
  fc.assert(fc.property(filters, (filter) => expect(parseFilter(writeFilter(filter)).filter).toEqual(filter)))
})

test('no text makes reading fail', () => {
  fc.assert(fc.property(fc.string(), (query) => void parseFilter(query)))
})
