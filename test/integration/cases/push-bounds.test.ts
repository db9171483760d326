import { afterAll, expect, test } from 'bun:test'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'
import pino from 'pino'
import { readConfig } from '../../../src/worker/config.ts'
import { MAX_HELD, openPushLink } from '../../../src/worker/links/push.ts'
import { createPool } from '../../../src/worker/pool.ts'
import { createReporter } from '../../../src/worker/reporter.ts'
import { WorkerService } from '../../support/documented.ts'
import { startFakeCoordinator } from '../../support/fake-coordinator.ts'
import { slotSettings } from '../../support/slot-settings.ts'

// The WorkerService of a worker that serves a coordinator of others.
const coordinator = await startFakeCoordinator()
const pool = createPool({ slots: 1, settings: slotSettings({ processTimeMs: 60_000 }), onReport: () => {} })
const link = await openPushLink({
  ...{ address: coordinator.address, hostname: 'host', pool, reporter: createReporter() },
  config: readConfig({ COORDINATOR_ADDRESS: coordinator.address }, []),
  log: pino({ level: 'silent' }),
  isDraining: () => false,
})
const client = new WorkerService(coordinator.heartbeats[0]?.address ?? '', credentials.createInsecure())
afterAll(() => {
  client.close()
  link.close()
  pool.stop()
})

const push = (task_id: string, data = 'x') =>
  new Promise<number>((resolve) => {
    client.SubmitTask({ task_id, data, priority: 0 }, (error: ServiceError | null) =>
      resolve(error?.code ?? status.OK),
    )
  })

test('a task without an id, or with too long a command, is refused', async () => {
  expect(await push('')).toBe(status.INVALID_ARGUMENT)
  expect(await push('x'.repeat(256))).toBe(status.INVALID_ARGUMENT)
  expect(await push('a', 'x'.repeat(65_537))).toBe(status.INVALID_ARGUMENT)
  expect(pool.size()).toBe(0)
})

test('a worker takes no more than it may hold, whoever pushes', async () => {
  const codes = await Promise.all(Array.from({ length: MAX_HELD + 5 }, (_, n) => push(`task ${n}`)))
  expect(codes.filter((code) => code === status.OK)).toHaveLength(MAX_HELD)
  expect(codes.filter((code) => code === status.RESOURCE_EXHAUSTED)).toHaveLength(5)
  expect(pool.size()).toBe(MAX_HELD)
})
