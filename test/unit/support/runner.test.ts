import { expect, test } from 'bun:test'
import { describeSlowest, findFailedFiles, howToRepeat } from '../../support/report.ts'
import { selectTests } from '../../support/selection.ts'
import { addTotals, readTotals } from '../../support/totals.ts'

test('totals are read from the end of what bun test says, coloured or not', () => {
  expect(readTotals('(pass) 9 pass\n\n 12 pass\n 2 skip\n 3 fail\n 40 expect() calls\n', 1)).toEqual({
    passed: 12,
    failed: 3,
  })
  expect(readTotals('\u001b[32m 5 pass\u001b[0m\n\u001b[2m 0 fail\u001b[0m\n', 0)).toEqual({
    passed: 5,
    failed: 0,
  })
})

test('a run that ends badly without naming a failure counts as one', () => {
  expect(readTotals('Segmentation fault', 139)).toEqual({ passed: 0, failed: 1 })
  expect(readTotals(' 5 pass\n 0 fail\n', 1)).toEqual({ passed: 5, failed: 1 })
})

test('totals add up', () => {
  expect(addTotals({ passed: 1, failed: 2 }, { passed: 3, failed: 4 })).toEqual({ passed: 4, failed: 6 })
})

test('without a pattern all tests are run, those of whole systems and of containers apart, and those that measure by themselves', async () => {
  const { groups, flags } = await selectTests([])
  expect(groups.map(({ kind }) => kind)).toEqual(['small', 'containers', 'whole', 'alone'])
  const [small = [], containers = [], whole = [], alone = []] = groups.map(({ files }) =>
    files.map((file) => file.split('/test/').at(-1) as string),
  )
  expect(small).toContain('unit/support/runner.test.ts')
  expect(small.filter((file) => !/^(unit|integration)\//.test(file))).toEqual(['containers/database.test.ts'])
  expect(containers).toContain('containers/compose.test.ts')
  expect(whole).toContain('e2e/up.test.ts')
  expect(alone).toEqual(['e2e/priorities.test.ts', 'e2e/time.test.ts', 'faults/chaos.test.ts'])
  expect(flags).toEqual([])
})

test('patterns choose files, and the value of a flag is no pattern', async () => {
  const { groups, flags } = await selectTests(['./test/unit/support', '-t', 'e2e', '--bail'])
  expect(groups).toHaveLength(1)
  expect(groups[0]!.files).toHaveLength(1)
  expect(flags).toEqual(['-t', 'e2e', '--bail'])
  expect((await selectTests(['no such file'])).groups).toEqual([])
})

test('a red run says how to repeat it: the files that failed, and the seed', () => {
  const failed = findFailedFiles()
  failed.add('test/unit/a.test.ts:\n(pass) one\n\ntest/unit/b.test')
  failed.add('.ts:\n\u001b[31m(fail)\u001b[0m two [1.00ms]\n(fail) three\n')
  failed.add('\ntest/unit/c.test.ts:\n(pass) four\n\n2 tests failed:\n(fail) two [1.00ms]\n(fail) three\n')
  expect(failed.files()).toEqual(['test/unit/b.test.ts'])
  expect(howToRepeat(failed.files(), 7)).toBe('To repeat: TEST_SEED=7 bun run test test/unit/b.test.ts')
})

test('the slowest files of a run are named, slowest first', () => {
  expect(describeSlowest({ 'test/a.test.ts': 900, 'test/b.test.ts': 12_340 })).toBe(
    'Slowest files:\n   12.3 s  test/b.test.ts\n    0.9 s  test/a.test.ts',
  )
})
