import { beforeAll, expect, test } from 'bun:test'
import { databaseUrl, hasPsql } from '../support/programs.ts'
import { type System, startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

let system: System
beforeAll(async () => {
  // Whoever is told of nothing finds nothing for a minute.
  const env = { TASK_PROCESS_TIME: '1', SCAN_INTERVAL: '60000' }
  system = await startSystem({ workers: ['worker-1'], hasScheduler: false, env })
}, 60_000)

/** Types a statement into psql or, where there is none, sends it as it is; a line for each row. */
async function type(statement: string): Promise<string[]> {
  if (!hasPsql) {
    const rows = await system.sql.unsafe(statement)
    return rows.map((row) => Object.values(row).join('|'))
  }
  const env = { PATH: process.env.PATH ?? '', PGOPTIONS: '-c search_path=taskmaster' }
  const url = databaseUrl(system.settings)
  const out = await Bun.$`psql -X -A -t -q -v ON_ERROR_STOP=1 ${url} -c ${statement}`.env(env).text()
  return out.split('\n').filter(Boolean)
}

const stateOf = async (command: string) =>
  (await type(`SELECT state, attempt FROM tasks WHERE command = '${command}'`)).join()
const runs = (command: string) =>
  waitFor(async () => (await stateOf(command)) === 'completed|1', { what: `${command} to run` })

test('a task that is inserted by hand runs when it is due, without a scan', async () => {
  await type(`INSERT INTO tasks (command, scheduled_at) VALUES ('by hand', now())`)
  await runs('by hand')
  await type(`INSERT INTO tasks (command, scheduled_at) VALUES ('soon', now() + interval '0.5 s')`)
  await runs('soon')
  expect(
    await type(`SELECT started_at >= scheduled_at, worker_id IS NOT NULL FROM tasks WHERE command = 'soon'`),
  ).toEqual(['t|t'])
})

test('what nobody has picked is found by its column, and runs once its time is set to now', async () => {
  const [id] = await type(
    `INSERT INTO tasks (command, scheduled_at) VALUES ('tomorrow', now() + interval '1 day') RETURNING id`,
  )
  expect(await type('SELECT id FROM tasks WHERE picked_at IS NULL')).toEqual([id!])
  await type(`UPDATE tasks SET scheduled_at = now() WHERE id = '${id}'`)
  await runs('tomorrow')
  expect(await type('SELECT id FROM tasks WHERE picked_at IS NULL')).toEqual([])
})

test('what is written by hand counts as all does', async () => {
  await type(`INSERT INTO tasks (command, scheduled_at) VALUES ('never', now() + interval '1 day')`)
  expect(await type(`SELECT value FROM current_counts WHERE name = 'pending'`)).toEqual(['1'])
  await type(`DELETE FROM tasks WHERE command = 'never'`)
  expect(
    await type(`SELECT sum(value) FROM current_counts WHERE name IN ('pending', 'assigned', 'running')`),
  ).toEqual(['0'])
  expect(await type(`SELECT value FROM current_counts WHERE name = 'completed'`)).toEqual(['3'])
})
