import { expect, test } from 'bun:test'
import { createRecent } from '../../../src/worker/recent.ts'

test('the latest are remembered, as many as the limit says', () => {
  const recent = createRecent(3)
  for (const name of ['a', 'b', 'b', 'c', 'd']) recent.add(name)
  expect(['a', 'b', 'c', 'd'].map(recent.has)).toEqual([false, true, true, true])
  recent.delete('c')
  expect(recent.has('c')).toBeFalse()
  for (const name of ['e', 'f']) recent.add(name)
  expect(['b', 'c', 'd', 'e', 'f'].map(recent.has)).toEqual([false, false, true, true, true])
})
