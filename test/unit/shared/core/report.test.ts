import { expect, test } from 'bun:test'
import { coalesceReports, mergeReports, type Report } from '../../../../src/shared/core/report.ts'
import fc from '../../../support/property.ts'

const report = (kind: Report['kind'], more: Partial<Report> = {}): Report => ({
  ...{ taskId: 'a', attempt: 1, kind, slot: 2, startedAt: null, endedAt: null, error: null, output: null },
  ...more,
})

const reports = fc.array(
  fc.record({
    taskId: fc.constantFrom('a', 'b', 'c'),
    attempt: fc.integer({ min: 1, max: 2 }),
    kind: fc.constantFrom<Report['kind'][]>('started', 'completed', 'failed', 'returned'),
    slot: fc.nat(4),
    startedAt: fc.option(fc.nat(100)),
    endedAt: fc.option(fc.nat(100)),
    error: fc.option(fc.string()),
    output: fc.option(fc.string()),
  }),
)
const attemptOf = ({ taskId, attempt }: Report) => `${taskId}#${attempt}`

test('an end that follows a start keeps the start', () => {
  const merged = mergeReports(
    report('started', { startedAt: 5 }),
    report('completed', { endedAt: 9, output: 'x' }),
  )
  expect(merged).toEqual(report('completed', { startedAt: 5, endedAt: 9, output: 'x' }))
})

test('an attempt ends once: neither a second end nor a late start changes what it ended with', () => {
  const end = report('failed', { startedAt: 1, endedAt: 2, error: 'first' })
  for (const later of [
    report('completed', { endedAt: 3 }),
    report('started', { startedAt: 0 }),
    report('returned'),
  ]) {
    expect(mergeReports(end, later)).toEqual(end)
  }
})

test('what is coalesced has each attempt once, in the order in which the attempts came', () => {
  fc.assert(
    fc.property(reports, (given) => {
      expect(coalesceReports(given).map(attemptOf)).toEqual([...new Set(given.map(attemptOf))])
    }),
  )
})

test('what is coalesced says of each attempt its first end, or its latest start if it has none', () => {
  fc.assert(
    fc.property(reports, (given) => {
      for (const merged of coalesceReports(given)) {
        const own = given.filter((one) => attemptOf(one) === attemptOf(merged))
        const end = own.find(({ kind }) => kind !== 'started')
        expect(merged.kind).toBe(end?.kind ?? 'started')
        expect(merged.error).toBe((end ?? own.at(-1)!).error)
      }
    }),
  )
})

test('coalescing a second time changes nothing', () => {
  fc.assert(
    fc.property(reports, (given) => {
      const once = coalesceReports(given)
      expect(coalesceReports(once)).toEqual(once)
    }),
  )
})
