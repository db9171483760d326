import { expect, test } from 'bun:test'
import { createCallLimit } from '../../../src/coordinator/call-limit.ts'
import { createStreamLink, type WorkStream } from '../../../src/coordinator/links/stream.ts'
import type { Assignment } from '../../../src/shared/core/task.ts'
import type { CoordinatorMessage } from '../../../src/shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import { createReporter } from '../../../src/worker/reporter.ts'

test('tasks with large payloads go in several messages, in their order', () => {
  const messages: string[][] = []
  const write = ({ tasks }: CoordinatorMessage) =>
    messages.push((tasks?.items ?? []).map(({ task_id }) => task_id ?? ''))
  const link = createStreamLink({ destroyed: false, cancelled: false, write } as unknown as WorkStream)
  const payloads = [10, 600_000, 300_000, 300_000, 2_000_000, 10, 10]
  link.send(
    payloads.map((size, n) => ({
      ...{ taskId: String(n), attempt: 1, command: 'x', executor: 'simulate', priority: 0 },
      ...{ timeoutMs: null, cancelGraceMs: 0, payload: 'x'.repeat(size) },
    })) as Assignment[],
  )
  expect(messages).toEqual([['0', '1', '2'], ['3'], ['4'], ['5', '6']])
})

test('reports with large outputs go in several messages, in their order', () => {
  const messages: string[][] = []
  const reporter = createReporter()
  for (const n of [0, 1, 2, 3, 4, 5]) {
    reporter.add({
      ...{ taskId: String(n), attempt: 1, kind: 'completed', slot: 0, startedAt: 1, endedAt: 2 },
      ...{ error: null, output: 'x'.repeat(65_536), result: 'x'.repeat(262_144) },
    })
  }
  reporter.attach({
    send(sequence, reports) {
      messages.push(reports.map(({ taskId }) => taskId))
      queueMicrotask(() => reporter.acknowledge(sequence))
    },
  })
  expect(messages).toEqual([
    ['0', '1', '2', '3'],
    ['4', '5'],
  ])
})

test('calls are counted in all and by address, and each that is over makes room once', () => {
  const limit = createCallLimit({ total: 3, perAddress: 2 })
  const leave = limit.enter('10.0.0.1:1')
  expect(limit.enter('10.0.0.1:2')).not.toBeNull()
  expect(limit.enter('10.0.0.1:3')).toBeNull()
  expect(limit.enter('[::1]:1')).not.toBeNull()
  expect(limit.enter('10.0.0.2:1')).toBeNull()
  leave?.()
  leave?.()
  expect(limit.enter('10.0.0.2:1')).not.toBeNull()
  expect(limit.enter('10.0.0.3:1')).toBeNull()
})
