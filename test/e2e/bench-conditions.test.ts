import { expect, test } from 'bun:test'
import { runBench } from '../support/bench.ts'

test('a held snapshot: a row for each interval, and the ratio of the last to the first', async () => {
  const sizes = ['--minutes', '0.035', '--every', '1', '--rate', '40']
  const { rows, columns, result } = await runBench('--held-snapshot', ...sizes)
  expect(rows).toEqual(['1 s, no. 1', '1 s, no. 2', 'last / first'])
  expect(columns).toEqual(['tasks /s', 'pick-up p50', 'pick-up p99', 'figures p50', 'figures max', 'waiting'])
  expect(result.intervals).toHaveLength(2)
  for (const { pickUpP50, figuresP50 } of result.intervals) {
    expect(pickUpP50).toBeGreaterThan(0)
    expect(figuresP50).toBeGreaterThan(0)
  }
}, 60_000)

test('limits: the same drain in a plain queue and in a limited one, and their ratio', async () => {
  const { rows, result } = await runBench('--limits', '--tasks', '200', '--runs', '1')
  expect(rows).toEqual(['plain queue', 'concurrency 1000, 100 keys', 'limited / plain'])
  expect(result.ratio).toBeGreaterThan(0)
}, 60_000)

test.if(process.platform === 'linux')(
  'memory: what that of each process is made of, idle, after a drain and a while later',
  async () => {
    const { rows, columns, result } = await runBench('--memory', '--tasks', '200', '--rest', '0.1')
    const names = ['coordinator', 'scheduler', 'worker']
    const moments = ['idle', 'drained', '0.1 s later']
    expect(rows).toEqual(moments.flatMap((when) => names.map((name) => `${name}, ${when}`)))
    expect(columns).toEqual(['rss', 'peak', 'pss', 'anonymous', 'files', 'heap', 'heapPages'])
    const { rss, peak, pss, anonymous, files, heap } = result.looks.drained.coordinator
    expect(anonymous + files).toBeCloseTo(rss, 0)
    expect(peak).toBeGreaterThanOrEqual(rss)
    expect(pss).toBeLessThanOrEqual(rss)
    expect(heap).toBeGreaterThan(1)
  },
  60_000,
)

test('a soak: the first, the last and the largest memory of each process, and its slope', async () => {
  const { rows, columns, result } = await runBench(
    '--soak',
    '--workers',
    '3',
    '--minutes',
    '0.035',
    '--every',
    '1',
    '--rate',
    '40',
  )
  expect(rows).toEqual(['coordinator', 'scheduler', 'worker-1', 'worker-2', 'worker-3'])
  expect(columns).toEqual(['first', 'last', 'largest', 'slope'])
  expect(result.samples).toHaveLength(3)
  const { first, last, largest } = result.processes.scheduler
  expect(first).toBeGreaterThan(10)
  expect(largest).toBeGreaterThanOrEqual(Math.max(first, last))
}, 60_000)
