import { expect, test } from 'bun:test'
import { readArray, writeArray } from '../../../../src/shared/store/arrays.ts'
import fc from '../../../support/property.ts'

test('an array is read as PostgreSQL writes it', () => {
  expect(readArray('{}', String)).toEqual([])
  expect(readArray('{1,2,-3}', Number)).toEqual([1, 2, -3])
  expect(readArray('{a,NULL,"NULL","","x y","say \\"hi\\"","a\\\\b",","}', String)).toEqual([
    ...['a', null, 'NULL', '', 'x y', 'say "hi"', 'a\\b', ','],
  ])
})

test('whatever is written is read again', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'grapheme' }))), (values) => {
      expect(readArray(writeArray(values), String)).toEqual(values)
    }),
  )
})
