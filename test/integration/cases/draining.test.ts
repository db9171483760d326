import { expect, test } from 'bun:test'
import { createTestDatabase } from '../../support/database.ts'
import { insert, statesInTable } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { calm, openRaw, reportOf, type Stand, startStand } from '../coordinator/stand.ts'

const database = await createTestDatabase()
const { sql } = database

/** Runs a test with a coordinator of its own and no tasks from before. */
const withStand = (run: (stand: Stand) => Promise<void>) => async () => {
  await sql`DELETE FROM tasks`
  const stand = await startStand({}, database)
  try {
    await run(stand)
  } finally {
    await stand.stop()
  }
}

const tasksInTable = async () => {
  const rows = await sql`SELECT state, attempt, failures, losses, worker_id AS worker FROM tasks ORDER BY id`
  return [...rows]
}

test(
  'a worker that drains when it registers is given nothing from the first moment, and its row says so',
  withStand(async ({ address }) => {
    await insert(sql, 3)
    const draining = await openRaw(address, { worker_id: 100, draining: true })
    expect([...(await sql`SELECT draining FROM workers WHERE id = 100`)]).toEqual([{ draining: true }])
    await draining.acknowledged(draining.report())
    const free = await openRaw(address, { worker_id: 101 })
    await free.given(3)
    expect(draining.tasks).toEqual([])
    expect(await tasksInTable()).toMatchObject(Array(3).fill({ attempt: 1, worker: 101 }))
  }),
)

test(
  'what it holds stays its own when it comes back draining, and what it says of it counts',
  withStand(async ({ address }) => {
    const [id = ''] = await insert(sql, 1)
    const before = await openRaw(address, { worker_id: 102 })
    const [task] = await before.given(1)
    const held = [{ task_id: id, attempt: 1, started: true }]
    const back = await openRaw(address, { worker_id: 102, draining: true, held })
    await back.acknowledged(back.report(reportOf(task!, 'COMPLETED')))
    expect(await tasksInTable()).toMatchObject([{ state: 'completed', attempt: 1, worker: 102 }])
  }),
)

test(
  'what was on its way to a worker that begins to drain goes back uncharged, and to others only',
  withStand(async ({ address }) => {
    const draining = await openRaw(address, { worker_id: 103 })
    await insert(sql, 4)
    const tasks = [...(await draining.given(4))]
    // A claim on its way could take up what is handed back, for the same worker: it would go back once more.
    await calm(sql)
    draining.send({ heartbeat: { draining: true } })
    await draining.acknowledged(draining.report(...tasks.map((task) => reportOf(task, 'RETURNED'))))
    const free = await openRaw(address, { worker_id: 104 })
    await free.given(4)
    expect(draining.tasks).toEqual(tasks)
    expect(await tasksInTable()).toMatchObject(
      Array(4).fill({ attempt: 2, failures: 0, losses: 0, worker: 104 }),
    )
  }),
)

test(
  'a coordinator that stops registers nobody and claims nothing more',
  withStand(async (stand) => {
    const connected = await openRaw(stand.address, { worker_id: 105 })
    await calm(sql)
    const stopping = stand.stop()
    await insert(sql, 5)
    const late = await openRaw(stand.address, { worker_id: 106 })
    await waitFor(() => late.isOver, { what: 'the late worker to be turned away' })
    await stopping
    expect([connected.tasks, late.tasks, await statesInTable(sql)]).toEqual([[], [], { pending: 5 }])
  }),
)
