import { expect, test } from 'bun:test'
import type { Report } from '../../../src/shared/core/report.ts'
import { createReporter } from '../../../src/worker/reporter.ts'
import fc from '../../support/property.ts'
import { waitFor } from '../../support/wait.ts'

const report = (taskId: string, kind: Report['kind'], attempt = 1): Report => ({
  ...{ taskId, attempt, kind, slot: 0, error: null, output: null },
  startedAt: kind === 'returned' ? null : 5,
  endedAt: kind === 'completed' || kind === 'failed' ? 9 : null,
})

/** A coordinator that only listens. */
function createSink() {
  const messages: { sequence: number; reports: Report[] }[] = []
  return {
    messages,
    send: (sequence: number, reports: Report[]) => void messages.push({ sequence, reports }),
    said: () => messages.map(({ reports }) => reports.map(({ taskId, kind }) => `${taskId} ${kind}`)),
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function isFlushed(reporter: ReturnType<typeof createReporter>) {
  let flushed = false
  reporter.flushed().then(() => {
    flushed = true
  })
  await turn()
  return flushed
}

test('the start and the end of a short task go as one report', async () => {
  const reporter = createReporter()
  const sink = createSink()
  reporter.attach(sink)
  reporter.add(report('a', 'started'))
  reporter.add(report('b', 'started'))
  reporter.add(report('a', 'completed'))
  await turn()
  expect(sink.said()).toEqual([['a completed', 'b started']])
  expect(sink.messages[0]!.reports[0]).toMatchObject({ startedAt: 5, endedAt: 9 })
})

test('while two messages are on their way the next one waits and grows', async () => {
  const reporter = createReporter()
  const sink = createSink()
  reporter.attach(sink)
  for (const taskId of ['a', 'b', 'c', 'd']) {
    reporter.add(report(taskId, 'completed'))
    await turn()
  }
  expect(sink.said()).toEqual([['a completed'], ['b completed']])
  reporter.acknowledge(1)
  expect(sink.said()[2]).toEqual(['c completed', 'd completed'])
})

test('no message is larger than 500 reports', async () => {
  const reporter = createReporter()
  const sink = createSink()
  for (let n = 0; n < 1200; n++) reporter.add(report(`t${n}`, 'completed'))
  reporter.attach(sink)
  expect(sink.messages.map(({ reports }) => reports.length)).toEqual([500, 500])
  reporter.acknowledge(2)
  expect(sink.messages.map(({ reports }) => reports.length)).toEqual([500, 500, 200])
})

test('an acknowledgement covers all that was sent before', async () => {
  const reporter = createReporter()
  const sink = createSink()
  reporter.attach(sink)
  for (const taskId of ['a', 'b']) {
    reporter.add(report(taskId, 'completed'))
    await turn()
  }
  reporter.acknowledge(2)
  expect(reporter.unacknowledged()).toEqual([])
  reporter.acknowledge(1)
  expect(await isFlushed(reporter)).toBe(true)
})

test('what is not acknowledged is offered to the next coordinator at once, coalesced, oldest first', async () => {
  const reporter = createReporter()
  const first = createSink()
  reporter.attach(first)
  reporter.add(report('a', 'started'))
  await turn()
  reporter.add(report('b', 'started'))
  await turn()
  reporter.add(report('a', 'completed'))
  reporter.detach()
  reporter.add(report('c', 'failed'))
  await turn()
  expect(first.said()).toEqual([['a started'], ['b started']])

  const second = createSink()
  reporter.attach(second)
  expect(second.said()).toEqual([['a completed', 'b started', 'c failed']])
  expect(second.messages[0]!.sequence).toBe(1)
  expect(second.messages[0]!.reports[0]!.startedAt).toBe(5)
})

test('nothing is sent while there is no coordinator', async () => {
  const reporter = createReporter()
  const sink = createSink()
  reporter.attach(sink)
  reporter.add(report('a', 'completed'))
  reporter.detach()
  await turn()
  expect(sink.messages).toEqual([])
  expect(reporter.unacknowledged()).toEqual([{ taskId: 'a', attempt: 1 }])
})

test('what is revoked is forgotten, on its way or waiting, and other attempts of it are not', async () => {
  const reporter = createReporter()
  reporter.attach(createSink())
  reporter.add(report('a', 'completed'))
  reporter.add(report('b', 'completed'))
  await turn()
  reporter.detach()
  reporter.add(report('c', 'completed'))
  reporter.add(report('a', 'completed', 2))
  reporter.revoke([
    { taskId: 'a', attempt: 1 },
    { taskId: 'c', attempt: 1 },
  ])
  expect(reporter.unacknowledged()).toEqual([
    { taskId: 'b', attempt: 1 },
    { taskId: 'a', attempt: 2 },
  ])
  const next = createSink()
  reporter.attach(next)
  expect(next.messages.map(({ reports }) => reports.map(({ taskId, attempt }) => [taskId, attempt]))).toEqual(
    [
      [
        ['b', 1],
        ['a', 2],
      ],
    ],
  )
})

test('it is flushed when all is acknowledged, and not before', async () => {
  const reporter = createReporter()
  expect(await isFlushed(reporter)).toBe(true)
  reporter.add(report('a', 'completed'))
  expect(await isFlushed(reporter)).toBe(false)
  reporter.attach(createSink())
  expect(await isFlushed(reporter)).toBe(false)
  const flushed = reporter.flushed()
  reporter.acknowledge(1)
  await flushed
})

test('it is flushed when all that was left is revoked', async () => {
  const reporter = createReporter()
  reporter.attach(createSink())
  reporter.add(report('a', 'completed'))
  await turn()
  reporter.detach()
  let flushed = false
  reporter.flushed().then(() => {
    flushed = true
  })
  reporter.revoke([{ taskId: 'a', attempt: 1 }])
  reporter.attach(createSink())
  await waitFor(() => flushed, { what: 'the reporter to be flushed', timeoutMs: 500 })
})

test('every report reaches a coordinator that acknowledges, whatever breaks on the way', async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ add: fc.constantFrom<Report['kind'][]>('started', 'completed', 'failed') }),
    },
    { weight: 2, arbitrary: fc.constant({ acknowledge: true as const }) },
    { weight: 1, arbitrary: fc.constant({ reconnect: true as const }) },
    { weight: 2, arbitrary: fc.constant({ turn: true as const }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const reporter = createReporter()
      let sink = createSink()
      reporter.attach(sink)
      const committed = new Set<string>()
      const acknowledge = (upTo: number) => {
        for (const { sequence, reports } of sink.messages) {
          if (sequence <= upTo) for (const { taskId, kind } of reports) committed.add(`${taskId} ${kind}`)
        }
        reporter.acknowledge(upTo)
      }
      const added: string[] = []
      for (const [n, one] of steps.entries()) {
        if ('add' in one) {
          added.push(`t${n} ${one.add}`)
          reporter.add(report(`t${n}`, one.add))
        } else if ('acknowledge' in one) acknowledge(sink.messages[0]?.sequence ?? 0)
        else if ('reconnect' in one) {
          reporter.detach()
          sink = createSink()
          reporter.attach(sink)
        } else await turn()
      }
      await turn()
      for (let n = 0; n < 100 && reporter.unacknowledged().length > 0; n++) {
        acknowledge(sink.messages.at(-1)?.sequence ?? 0)
      }
      await reporter.flushed()
      expect([...committed].sort()).toEqual(added.sort())
    }),
  )
})
