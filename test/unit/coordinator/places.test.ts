import { expect, test } from 'bun:test'
import { createPlaces } from '../../../src/coordinator/places.ts'
import type { ClaimedTask } from '../../../src/shared/store/dispatch.ts'

const claimed = (level: string, dueMs: number) => ({ level, dueMs }) as ClaimedTask

test('a claim goes on a moment before the last task that was claimed of its level, and never goes back', () => {
  const places = createPlaces()
  expect(places.for('any')).toMatchObject({ of: {}, others: null })
  places.claimed(places.for('any'), [claimed('// 0', 10_000), claimed('// 0', 12_000), claimed('// 3', 9000)])
  places.claimed(places.for('any'), [claimed('// 0', 11_000)])
  expect(places.for('any')).toMatchObject({ of: { '// 0': 10_000, '// 3': 7000 }, others: null })
})

test('where nothing was due, all levels of that kind of workers begin there, and those of others do not', () => {
  const places = createPlaces()
  places.nothingDue(places.for('simulate/'), 50_000)
  expect(places.for('simulate/').others).toBe(48_000)
  expect(places.for('shell/').others).toBeNull()
})

test('all is forgotten with a scan, and when something is due that may have been passed by', () => {
  const places = createPlaces()
  places.claimed(places.for('any'), [claimed('// 0', 10_000)])
  places.dueSince(500)
  expect(places.for('any').of).toEqual({ '// 0': 8000 })
  places.dueSince(1500)
  expect(places.for('any').of).toEqual({})
  places.nothingDue(places.for('any'), 10_000)
  places.forget()
  expect(places.for('any').others).toBeNull()
})

test('of many levels the latest are remembered', () => {
  const places = createPlaces()
  for (let n = 0; n < 1000; n++)
    places.claimed(places.for('any'), [claimed(`/x${n}/ 0`, 5000), claimed('// 0', 5000)])
  const { of } = places.for('any')
  expect(Object.keys(of).length).toBeLessThanOrEqual(50)
  expect(of).toHaveProperty(['// 0'])
  expect(of).toHaveProperty(['/x999/ 0'])
})

test('what a statement found that began before all was forgotten is not noted', () => {
  const places = createPlaces()
  const from = places.for('any')
  places.dueSince(60_000)
  places.claimed(from, [claimed('// 0', 10_000)])
  places.nothingDue(from, 10_000)
  expect(places.for('any')).toMatchObject({ of: {}, others: null })
})
