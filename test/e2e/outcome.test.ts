import { expect, test } from 'bun:test'
import { connect } from '../../src/shared/store/connect.ts'
import { documentedClient } from '../support/client.ts'
import { createTestDatabase } from '../support/database.ts'
import { startStreamWorker } from '../support/stream-worker.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

test('an outcome that waits for the database is not mistaken for a task that was never sent', async () => {
  // Scans often, and says what it claims: a scan looks for tasks that were claimed and never sent.
  const database = await createTestDatabase()
  const system = await startSystem({ database, env: { SCAN_INTERVAL: '100', LOG_LEVEL: 'debug' } })
  const { sql, coordinator } = system
  const worker = await startStreamWorker({ id: 1, coordinator: system.address, waitsMs: 1000, takesMs: 500 })
  const id = await system.submit()
  const open = () => connect({ ...database.settings, poolMax: 1 })
  const [first, second] = [open(), open()]
  const writers = () => sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      AND application_name = 'taskmaster-coordinator'`
  const writer = () =>
    waitFor(async () => (await writers())[0]?.pid, { what: 'the coordinator to wait for the row' })
  const scans = () => coordinator.logs.filter(({ msg }) => msg === 'Claimed').length

  // Its start is being written while its end arrives: the end has to wait.
  await waitFor(async () => (await system.rows([id]))[0]?.state === 'assigned', { what: 'it to be sent' })
  await first`BEGIN`
  await first`SELECT FROM held WHERE task_id = ${id} FOR UPDATE`
  expect(worker.runs).toEqual([])
  await writer()
  await second`BEGIN`
  const locked =
    second`SELECT started_at IS NOT NULL AS started FROM held WHERE task_id = ${id} FOR UPDATE`.execute()
  await waitFor(() => worker.runs[0]?.endedAt, { what: 'it to end' })
  await documentedClient(system.address).listWorkers() // by now the coordinator has read that, too

  // The start is written, and the database cuts the connection that writes the end.
  await first`ROLLBACK`
  expect(await locked).toMatchObject([{ started: true }])
  const pid = await writer()
  const scanned = scans()
  await waitFor(async () => scans() > scanned + 1 || (await writers()).length > 1, { what: 'a scan' })
  await sql`SELECT pg_terminate_backend(${pid}::int)`
  await second`ROLLBACK`
  await Promise.all([first.end(), second.end()])

  expect(await system.ended([id])).toMatchObject([{ state: 'completed', attempt: 1, workerId: 1 }])
  expect(worker.runs).toHaveLength(1)
})
