import { expect, test } from 'bun:test'
import { connect, type Sql } from '../../../src/shared/store/connect.ts'
import { documentedClient } from '../../support/client.ts'
import { startFakeWorker } from '../../support/fake-worker.ts'
import { insert, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { startStand } from './stand.ts'

/** How many tasks a worker that tells nobody its slots is given at once. */
const PLACES = 5

test('no place is lost when a worker moves to a new address while its reports are written', async () => {
  const { database, sql, address } = await startStand()
  const client = documentedClient(address)
  const before = await startFakeWorker({ id: 7, coordinator: address, reports: false })
  await insert(sql, PLACES)
  const given = await waitFor(() => before.received.length === PLACES && before.received, {
    what: 'its tasks',
  })

  // Its reports wait for a lock while it registers again with what the table still says it holds.
  const other = connect({ ...database.settings, poolMax: 1 })
  const { reported, after } = await other.begin(async (tx) => {
    await tx`SELECT FROM task_records FOR UPDATE`
    const reported = Promise.all(
      given.map(({ task_id }) => client.updateTaskStatus({ task_id, status: 'COMPLETE', worker_id: 7 })),
    )
    await waitFor(() => isWaiting(sql), { what: 'the write to wait' })
    before.stop()
    return { reported, after: await startFakeWorker({ id: 7, coordinator: address, reports: false }) }
  })
  await other.end()
  await reported
  expect(await statesInTable(sql)).toEqual({ completed: PLACES })
  await insert(sql, PLACES)
  await waitFor(() => after.received.length === PLACES, { what: 'as many tasks as it has places' })
})

/** Whether a statement of this database waits for a lock. */
async function isWaiting(sql: Sql): Promise<boolean> {
  const waiting = await sql`
    SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
  return waiting.length > 0
}
