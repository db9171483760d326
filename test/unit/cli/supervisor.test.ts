import { expect, test } from 'bun:test'
import type { Child } from '../../../src/cli/up/child.ts'
import { supervise } from '../../../src/cli/up/supervisor.ts'

/** Runs that end when the test says so. */
function createStand() {
  const runs: { end: (how: string) => void; beReady: () => void; signals: string[] }[] = []
  const ends: string[] = []
  const start = (): Child => {
    const exited = Promise.withResolvers<string>()
    const ready = Promise.withResolvers<{ level: string; msg: string }>()
    const run = {
      end: exited.resolve,
      beReady: () => ready.resolve({ level: 'info', msg: 'up' }),
      signals: [] as string[],
    }
    runs.push(run)
    const kill = (signal: string) => {
      run.signals.push(signal)
      if (signal === 'SIGKILL') exited.resolve('SIGKILL')
    }
    return { pid: runs.length, ready: ready.promise, exited: exited.promise, complaint: '', kill }
  }
  const supervised = supervise({ name: 'worker-1', start, onEnd: (how) => ends.push(how) })
  return { runs, ends, supervised }
}

test('a first run that ends before it was up is reported, and so is the reason', async () => {
  const { runs, supervised } = createStand()
  runs[0]?.end('code 1')
  await expect(supervised.ready).rejects.toThrow('the worker-1 ended at once: code 1')
  await supervised.stop(1000)
})

test('one that was up is started again after it ended, until it is stopped', async () => {
  const { runs, ends, supervised } = createStand()
  runs[0]?.beReady()
  await supervised.ready
  await supervised.kill()
  await Promise.resolve()
  expect(ends).toEqual(['SIGKILL'])
  expect(supervised.pid).toBeNull()
  await supervised.stop(1000)
  expect(runs).toHaveLength(1)
})

test('one that does not end when asked is killed', async () => {
  const { runs, supervised } = createStand()
  await supervised.stop(1)
  expect(runs[0]?.signals).toEqual(['SIGTERM', 'SIGKILL'])
})

test('one that ends when asked is not killed', async () => {
  const { runs, supervised } = createStand()
  const stopped = supervised.stop(60_000)
  runs[0]?.end('code 0')
  await stopped
  expect(runs[0]?.signals).toEqual(['SIGTERM'])
})
