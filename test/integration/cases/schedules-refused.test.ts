import { expect, test } from 'bun:test'
import pino from 'pino'
import { startSchedules } from '../../../src/coordinator/schedules/schedules.ts'
import { createTroubles } from '../../../src/shared/runtime/troubles.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createRefusals } from '../../support/refusals.ts'
import { waitFor } from '../../support/wait.ts'
import { insert, ledger } from '../schedules/stand.ts'

const { sql } = await createTestDatabase()
const refusals = await createRefusals(sql, { table: 'task_records', changes: 'INSERT' })

test.each(['53100', 'XX000', '22021', '42P01'])(
  'schedules that the database refuses with %s fire soon after, and not when they have rested',
  async (code) => {
    await sql`TRUNCATE task_records, ready, held, levels, schedules, schedule_ticks`
    const troubles = createTroubles()
    const schedules = await Promise.all([insert(sql), insert(sql)])
    const end = await refusals.begin(code)
    const running = await startSchedules({
      sql,
      log: pino({ level: 'silent' }),
      scanIntervalMs: 60_000,
      troubles,
    })
    await waitFor(() => troubles.list().some((one) => one.key === 'schedules' && one.code === code), {
      what: 'the trouble to be told',
    })
    expect(await ledger(sql, schedules[0]!)).toEqual([])
    await end()
    // A schedule that is at fault rests for a minute, which is longer than this waits.
    for (const schedule of schedules) {
      await waitFor(async () => (await ledger(sql, schedule)).length > 0, { what: 'a tick' })
    }
    await waitFor(() => troubles.list().length === 0, { what: 'the end of the trouble' })
    await running.stop()
  },
)
