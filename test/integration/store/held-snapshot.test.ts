import { expect, test } from 'bun:test'
import { createPlaces } from '../../../src/coordinator/places.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { claimTasks, lookAhead, STRICT } from '../../../src/shared/store/dispatch.ts'
import { forgetLevels } from '../../../src/shared/store/lanes.ts'
import { insertTasks } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { explain } from '../../support/plans.ts'
import { newTask } from '../../support/store.ts'

const WORKERS = Array<number>(500).fill(1)
const ROUNDS = 40
/** How much later each round is due than the one before, so that the places move on as over minutes. */
const APART_MS = 1000

test('while a transaction is left open, a claim from its place does not walk past what was claimed before', async () => {
  const database = await createTestDatabase()
  const { sql } = database
  const other = connect({ ...database.settings, poolMax: 1 })
  await other`BEGIN ISOLATION LEVEL REPEATABLE READ`
  await other`SELECT count(*) FROM ready`
  const places = createPlaces()
  const from = Date.now() - 10 * ROUNDS * APART_MS
  const submit = (round: number) =>
    insertTasks(
      sql,
      WORKERS.map(() => newTask({ scheduledAt: new Date(from + round * APART_MS) })),
    )
  for (let round = 0; round < ROUNDS; round++) {
    await submit(round)
    const from = places.for('')
    const tasks = await claimTasks(sql, WORKERS, PLAIN, { ...STRICT, places: from })
    expect(tasks).toHaveLength(WORKERS.length)
    places.claimed(from, tasks)
  }
  await submit(ROUNDS)
  const [withPlace] = await explain(database, (own) => lookAhead(own, PLAIN, places.for('')))
  const [without] = await explain(database, (own) => lookAhead(own, PLAIN, createPlaces().for('')))
  // What was deleted in 40 rounds lies in the way of one, of two or three rounds in that of the other.
  expect(without!.buffers).toBeGreaterThan(4 * withPlace!.buffers)
  const [claim] = await explain(database, (own) =>
    claimTasks(own, WORKERS, PLAIN, { ...STRICT, places: places.for('') }),
  )
  expect(claim!.rowsRead('ready')).toBeLessThanOrEqual(2 * WORKERS.length + 10)
  await other`ROLLBACK`
  await other.end()
})

test('levels are noted without waiting for anybody, once a day, and go when they are not used any more', async () => {
  const { sql, settings } = await createTestDatabase()
  const levels = () => sql<{ routing: string; age: number }[]>`
    SELECT routing, current_date - used_on AS age FROM levels ORDER BY routing, used_on`
  const own = connect({ ...settings, poolMax: 1 })
  await own`BEGIN`
  await own`INSERT INTO tasks (command) VALUES ('slow')`
  await insertTasks(sql, [newTask(), newTask(), newTask({ executor: 'shell' })])
  await insertTasks(sql, [newTask()])
  await own`COMMIT`
  await own.end()
  expect(await levels()).toHaveLength(3)
  await sql`UPDATE levels SET used_on = current_date - 3`
  await insertTasks(sql, [newTask()])
  expect((await levels()).map(({ routing, age }) => [routing, age])).toEqual([
    ['//', 3],
    ['//', 3],
    ['//', 0],
    ['shell//', 3],
  ])
  await forgetLevels(sql)
  expect((await levels()).map(({ routing, age }) => [routing, age])).toEqual([
    ['//', 0],
    ['shell//', 3],
  ])
  await claimTasks(sql, [1], { executors: ['shell'], labels: [] })
  await forgetLevels(sql)
  expect((await levels()).map(({ routing }) => routing)).toEqual(['//'])
})
