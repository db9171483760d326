import { expect, test } from 'bun:test'
import { startRestartableServer } from '../../../src/cli/chaos/server.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { randomFor } from '../../support/seed.ts'
import { poolSettings } from '../../support/server.ts'
import { waitFor } from '../../support/wait.ts'
import { addressOf, atTheEnd, createStand, temporaryFolder } from '../stand.ts'

const ROUNDS = 3
const TASKS = 15
const RUNS_MS = 1500
/** Leases of the stand end after 1.5 s; the services give an answer up after 3 s. */
const FROZEN_MS = { min: 1800, max: 4500 }

test('a database that freezes for longer than leases last costs no living worker a task', async () => {
  const random = randomFor('frozen database')
  const server = await startRestartableServer(await temporaryFolder(), () => {})
  const settings = { ...server.settings, ...poolSettings }
  const sql = connect(settings)
  atTheEnd(() => server.stop())
  atTheEnd(() => sql.end({ timeout: 1 }))
  const stand = await createStand({ sql, settings })
  const env = { DB_STATEMENT_TIMEOUT: '1000' }
  const to = [addressOf(await stand.coordinator(env)), addressOf(await stand.coordinator(env))]
  await Promise.all(['a', 'b', 'c'].map((name) => stand.worker(name, to, { WORKER_POOL_SIZE: '5' })))

  /** The latest attempts of those of these tasks that are in that state. */
  const attempts = async (ids: string[], state: 'pending' | 'running' | 'completed') => {
    const rows = await sql<{ id: string; attempt: number; losses: number }[]>`
      SELECT id, attempt, losses FROM tasks WHERE id = ANY(${ids}::uuid[]) AND state = ${state} ORDER BY id`
    return [...rows]
  }

  for (let round = 0; round < ROUNDS; round++) {
    const ids = await stand.submit(TASKS, RUNS_MS)
    const running = await waitFor(
      async () => {
        if ((await attempts(ids, 'pending')).length > 0) return null
        const rows = await attempts(ids, 'running')
        return rows.length > 0 && rows
      },
      { what: 'the last of them to run', timeoutMs: 30_000 },
    )
    const own = running.map(({ id }) => id)
    await Bun.sleep(random.integer(0, RUNS_MS - 500))
    await server.freeze()
    await Bun.sleep(random.integer(FROZEN_MS.min, FROZEN_MS.max))
    server.thaw()
    for (const id of ids) await stand.until(id, { state: 'completed' }, 30_000)
    expect(await attempts(own, 'completed')).toEqual(running)
    const events = await stand.history()
    const ran = ids.map((id) => events.filter(({ taskId }) => taskId === id).map(({ event }) => event))
    expect(ran).toEqual(ids.map(() => ['start', 'completed']))
  }
}, 180_000)
