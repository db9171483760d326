import { expect, test } from 'bun:test'
import type { LogLine } from '../../../src/shared/core/output.ts'
import type { Report } from '../../../src/shared/core/report.ts'
import { createOutbox } from '../../../src/worker/outbox.ts'
import { createReporter, type Said } from '../../../src/worker/reporter.ts'

const ref = (taskId: string) => ({ taskId, attempt: 1 })
const lines = (from: number, to: number, size = 10): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({
    ...{ seq: from + n, at: 0, stream: 'stdout' as const },
    text: String(from + n).padStart(size, '.'),
  }))
const seqs = ({ logs }: Pick<Said, 'logs'>) =>
  Object.fromEntries(logs.map(({ taskId, lines }) => [taskId, lines.map(({ seq }) => seq)]))
const end = (taskId: string): Report => ({
  ...{ taskId, attempt: 1, kind: 'completed', slot: 0, startedAt: 1, endedAt: 2, error: null, output: null },
})
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a message has something of every attempt, whoever says the most', () => {
  const outbox = createOutbox()
  outbox.say(ref('loud'), lines(1, 5000))
  outbox.say(ref('quiet'), lines(1, 3))
  const first = outbox.take()
  expect(seqs(first).quiet).toEqual([1, 2, 3])
  expect(seqs(first).loud).toHaveLength(500)
  expect(seqs(outbox.take()).loud?.[0]).toBe(501)
})

test('what was taken and never acknowledged goes first again, in its order', () => {
  const outbox = createOutbox()
  outbox.say(ref('a'), lines(1, 1500))
  const [one, two] = [outbox.take(), outbox.take()]
  outbox.say(ref('a'), lines(1501, 1502))
  outbox.putBack([one, two])
  const again = [outbox.take(), outbox.take()].flatMap((said) => seqs(said).a ?? [])
  expect(again).toEqual(lines(1, 1502).map(({ seq }) => seq))
  expect(outbox.isEmpty).toBe(true)
})

test('what finds no room is left out in one place, and the lines say so', () => {
  const outbox = createOutbox(1000)
  outbox.say(ref('a'), lines(1, 100))
  const taken = outbox.take()
  expect(taken.logs[0]?.lines.at(-1)?.text).toMatch(/^… \[truncated, \d+ lines could not be passed on\]$/)
  const kept = (taken.logs[0]?.lines.length ?? 0) - 1
  expect(kept).toBeGreaterThan(10)
  expect(seqs(taken).a).toEqual(lines(1, kept + 1).map(({ seq }) => seq))
  outbox.forget(taken)
  outbox.say(ref('a'), lines(101, 102))
  expect(seqs(outbox.take()).a).toEqual([101, 102])
})

test('of progress the latest is told, and an older one never comes after it', () => {
  const outbox = createOutbox()
  outbox.progress({ ...ref('a'), value: 0.1 })
  outbox.progress({ ...ref('a'), value: 0.2 })
  const taken = outbox.take()
  expect(taken.progress).toEqual([{ ...ref('a'), value: 0.2 }])
  outbox.progress({ ...ref('a'), value: 0.3 })
  outbox.putBack([taken])
  expect(outbox.take().progress).toEqual([{ ...ref('a'), value: 0.3 }])
})

test('an end waits for the last of its lines, and nobody else for them', async () => {
  const reporter = createReporter()
  const messages: { reports: Report[]; said: Said }[] = []
  reporter.attach({ send: (_, reports, said) => void messages.push({ reports, said }) })
  reporter.say(ref('loud'), lines(1, 2500))
  reporter.add(end('loud'))
  reporter.add(end('other'))
  await turn()
  reporter.acknowledge(2)
  const told = messages.map(({ reports, said }) => [
    reports.map(({ taskId }) => taskId),
    seqs(said).loud?.length,
  ])
  expect(told).toEqual([
    [['other'], 1000],
    [[], 1000],
    [['loud'], 500],
  ])
})

test('what is said of an attempt that is somebody else’s now is forgotten', async () => {
  const reporter = createReporter()
  const messages: Said[] = []
  reporter.attach({ send: (_sequence, _reports, said) => void messages.push(said) })
  reporter.say(ref('a'), lines(1, 1))
  reporter.say(ref('b'), lines(1, 1))
  await turn()
  reporter.detach()
  reporter.revoke([ref('a')])
  reporter.attach({ send: (_sequence, _reports, said) => void messages.push(said) })
  expect(messages.map(seqs)).toEqual([{ a: [1], b: [1] }, { b: [1] }])
})
