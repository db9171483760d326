import { expect, test } from 'bun:test'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { discardTasks, findCancelRequests } from '../../../src/shared/store/control.ts'
import { insertDependents } from '../../../src/shared/store/dependencies.ts'
import {
  findHeld,
  findHeldAttempts,
  retryTasks,
  returnTasks,
  returnUnheld,
  settleTasks,
} from '../../../src/shared/store/dispatch.ts'
import { deleteEnded } from '../../../src/shared/store/retention.ts'
import { loseSessions, requeueOrphans } from '../../../src/shared/store/workers.ts'
import { createTestDatabase } from '../../support/database.ts'
import { explain } from '../../support/plans.ts'
import { claim, decided, NOW, newTask, reportOf } from '../../support/store.ts'

const database = await createTestDatabase()
// What the planner sees of it: tables known to be empty. Its plans are kept when they have grown.
await database.sql.unsafe('VACUUM ANALYZE')

const ID = Bun.randomUUIDv7()
const held = { taskId: ID, attempt: 1, workerId: 1, session: ID }
const said = reportOf(held, 'completed', { output: 'done' })

const statements: Record<string, (sql: Sql) => Promise<unknown>> = {
  claim: (sql) => claim(sql, 1),
  'begin and end tasks': (sql) => settleTasks(sql, [reportOf(held, 'started'), said], NOW),
  'end tasks that say nothing': (sql) => settleTasks(sql, [reportOf(held, 'completed')], NOW),
  'retry tasks': (sql) => retryTasks(sql, [reportOf(held, 'failed')], NOW, { baseMs: 1, capMs: 1 }),
  'return tasks': (sql) => returnTasks(sql, [held]),
  'return tasks that their workers do not have': (sql) => returnUnheld(sql, [held]),
  'find what workers hold': (sql) => findHeld(sql, [1]),
  'find who holds tasks': (sql) => findHeldAttempts(sql, [ID]),
  'find what is to be cancelled': (sql) => findCancelRequests(sql, [1]),
  'give workers up': async (sql) => loseSessions(sql, [ID], 3, await decided(database.sql)),
  'put orphans back': (sql) => requeueOrphans(sql, 3),
  'discard tasks': (sql) => discardTasks(sql, [ID]),
  'delete old tasks': (sql) => deleteEnded(sql, 'completed', { ageMs: 0, limit: 10 }),
  'store tasks that depend on others': (sql) =>
    insertDependents(sql, [newTask({ parents: 1 })], [{ taskId: ID, dependsOn: ID }]),
}

/** Small for ever, or walked in order from a place to the first that is wanted. */
const WALKED = /^(levels|ready|workers|queues|counts) |^held held_by_worker$|^task_records tasks_completed$/

test.each(Object.keys(statements))(
  'with a plan of the time when tables were empty, to %s reads rows by their keys alone',
  async (name) => {
    const plans = await explain(database, statements[name]!)
    expect(plans.length).toBeGreaterThan(0)
    const scans = plans
      .flatMap(({ nodes }) => nodes)
      .filter((node) => node['Relation Name'] && node['Node Type'].includes('Scan'))
    const whole = scans
      .filter((node) => !node['Index Cond'] && !node['Recheck Cond'] && node['Node Type'] !== 'Tid Scan')
      .map((node) => `${node['Relation Name']} ${node['Index Name'] ?? node['Node Type']}`)
    expect(whole.filter((scan) => !WALKED.test(scan))).toEqual([])
  },
)
