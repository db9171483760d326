import { expect, test } from 'bun:test'
import { whyNotSlow } from '../../bench/slow-postgres.ts'
import { runBench, runToFailure } from '../support/bench.ts'

test.skipIf(whyNotSlow() !== null)(
  'a slow disk: each figure as it is and slow, and a commit takes as much longer',
  async () => {
    const { rows, columns, result } = await runBench('--slow-disk', '--samples', '3', '--singles', '100')
    expect(rows).toEqual([
      'a commit, p50',
      'HTTP POST → answer, p50',
      'stored → started, p50',
      'HTTP POST → started, p50',
      'singles /s at 64, due later',
      'singles /s at 64, due now',
      'sessions waiting for a lock',
    ])
    expect(columns).toEqual(['as it is', 'slow', 'slow / as it is'])
    expect(result.slow.commitP50).toBeGreaterThan(2)
    expect(result.slow.lockWaits.samples).toBeGreaterThan(0)
  },
  60_000,
)

test('a slow disk needs a C compiler, and says so where there is none', async () => {
  const { code, err } = await runToFailure(['--slow-disk'], { PATH: '' })
  expect(code).toBe(1)
  expect(err).toMatch(/^Error: (No C compiler was found \(cc, gcc, clang\)\. Install one|.* no Linux)/)
})

test('full tables: drain and pick-up with many tasks, beside those with none', async () => {
  const sizes = ['--ended', '2000', '--future', '500', '--tasks', '100', '--samples', '3', '--runs', '1']
  const { rows, columns, result } = await runBench('--full', ...sizes)
  expect(rows).toEqual(['empty table', '2,000 ended and 500 future tasks', 'full / empty, as a speed'])
  expect(columns).toEqual(['drain /s', 'pick-up p50', 'pick-up p99'])
  expect(result.ratio.drain).toBeGreaterThan(0)
}, 60_000)
