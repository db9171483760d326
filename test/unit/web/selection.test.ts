import { expect, test } from 'bun:test'
import { between, createSelection } from '../../../web/src/selection.ts'

test('the part between two rows is the same from either side', () => {
  expect(between(['a', 'b', 'c', 'd'], 'b', 'd')).toEqual(['b', 'c', 'd'])
  expect(between(['a', 'b', 'c', 'd'], 'd', 'b')).toEqual(['b', 'c', 'd'])
})

test('a row that is no longer there extends nothing', () => {
  expect(between(['a', 'b'], 'gone', 'b')).toEqual(['b'])
})

test('with shift all rows from the last one turn as this one does', () => {
  const selection = createSelection(() => ['a', 'b', 'c', 'd'])
  selection.turn('a', false)
  selection.turn('c', true)
  expect(selection.ids()).toEqual(['a', 'b', 'c'])
})

test('all that match are selected without being known', () => {
  const selection = createSelection(() => ['a'])
  selection.all()
  expect([selection.isAll(), selection.has('unseen'), selection.ids()]).toEqual([true, true, []])
  selection.clear()
  expect(selection.count()).toBe(0)
})
