import { beforeEach, expect, test } from 'bun:test'
import type { LogLine } from '../../../src/shared/core/output.ts'
import { LOGS_CHANNEL } from '../../../src/shared/store/channel.ts'
import { discardTasks, reviveTasks } from '../../../src/shared/store/control.ts'
import { retryTasks, settleTasks } from '../../../src/shared/store/dispatch.ts'
import { insertLogs, listLogs, updateProgress } from '../../../src/shared/store/logs.ts'
import { deleteEnded } from '../../../src/shared/store/retention.ts'
import { findTask, listTasks } from '../../../src/shared/store/tasks.ts'
import { createTestDatabase } from '../../support/database.ts'
import { explain } from '../../support/plans.ts'
import { hold, insert, NOW, reportOf, reset } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

const database = await createTestDatabase()
const { sql } = database
const START = { attempt: 0, seq: 0 }

beforeEach(async () => {
  await reset(sql)
  await sql`TRUNCATE task_logs`
})

const line = (seq: number, more: Partial<LogLine> = {}): LogLine => ({
  ...{ seq, at: NOW - 100, stream: 'stdout', text: `line ${seq}` },
  ...more,
})
const say = (task: { taskId: string; attempt: number; workerId: number }, ...lines: LogLine[]) =>
  insertLogs(sql, [{ taskId: task.taskId, attempt: task.attempt, workerId: task.workerId, lines }], NOW)
const textsOf = async (taskId: string) => (await listLogs(sql, taskId, START, 1000)).map(({ text }) => text)

test('lines are stored once, with the time at which they were said', async () => {
  const task = await hold(sql)
  await say(task, line(1, { at: NOW - 5000 }), line(2))
  await say(task, line(1, { text: 'again' }), line(2), line(3))
  const lines = await listLogs(sql, task.taskId, START, 10)
  expect(lines.map(({ seq, text }) => [seq, text])).toEqual([
    [1, 'line 1'],
    [2, 'line 2'],
    [3, 'line 3'],
  ])
  expect(lines[1]!.at.getTime() - lines[0]!.at.getTime()).toBeGreaterThan(4000)
  expect(await listLogs(sql, task.taskId, lines[0]!, 1)).toMatchObject([{ seq: 2 }])
})

test('lines of an attempt that was given up, or that another worker has, are left out', async () => {
  const task = await hold(sql)
  await say({ ...task, attempt: 7 }, line(1))
  await say({ ...task, workerId: 2 }, line(1))
  await say({ ...task, taskId: Bun.randomUUIDv7() }, line(1))
  expect(await sql`SELECT FROM task_logs`).toHaveLength(0)
  // Its report was stored, its acknowledgement lost: the lines come once more, and some for the first time.
  await settleTasks(sql, [reportOf(task, 'completed')], NOW)
  await say(task, line(1))
  expect(await textsOf(task.taskId)).toEqual(['line 1'])
  const other = await hold(sql, { maxRetries: 1 })
  await retryTasks(sql, [reportOf(other, 'failed')], NOW, { baseMs: 1, capMs: 1 })
  await say(other, line(1))
  expect(await textsOf(other.taskId)).toEqual([])
})

test('whoever listens is told which tasks said something, or that many did', async () => {
  const heard: string[] = []
  const { unlisten } = await sql.listen(LOGS_CHANNEL, (payload) => heard.push(payload))
  const task = await hold(sql)
  await say(task, line(1), line(2))
  await say(task, line(1))
  await updateProgress(sql, [{ taskId: task.taskId, attempt: 1, workerId: 1, value: 0.5 }])
  await updateProgress(sql, [{ taskId: task.taskId, attempt: 1, workerId: 1, value: 0.5 }])
  const many = await Promise.all(Array.from({ length: 201 }, () => hold(sql)))
  const logs = many.map(({ taskId, attempt, workerId }) => ({ taskId, attempt, workerId, lines: [line(1)] }))
  await insertLogs(sql, logs.slice(1), NOW)
  await insertLogs(
    sql,
    logs.map((log) => ({ ...log, lines: [line(2)] })),
    NOW,
  )
  await waitFor(() => heard.at(-1) === '*', { what: 'the last notice' })
  expect(heard).toHaveLength(4)
  expect(heard.slice(0, 2)).toEqual([task.taskId, task.taskId])
  expect(heard[2]?.length).toBeLessThan(8000)
  await unlisten()
})

test('progress is of the attempt that runs, and goes with it', async () => {
  const task = await hold(sql, { maxRetries: 1 })
  const word = { taskId: task.taskId, attempt: 1, workerId: 1 }
  const progress = async () => (await findTask(sql, task.taskId))?.progress
  await updateProgress(sql, [{ ...word, value: 0.25 }])
  await updateProgress(sql, [{ ...word, attempt: 2, value: 0.5 }])
  await updateProgress(sql, [{ ...word, workerId: 2, value: 0.5 }])
  expect(await progress()).toBe(0.25)
  await retryTasks(sql, [reportOf(task, 'failed')], NOW, { baseMs: 1, capMs: 1 })
  expect(await progress()).toBeNull()
})

test('the result and the stack are of the last attempt, and a task that is retried by hand begins without', async () => {
  const task = await hold(sql)
  const more = { error: 'oh', stack: 'oh\n    at here', result: '{"a": [1]}', output: 'text' }
  await settleTasks(sql, [reportOf(task, 'failed', more)], NOW)
  expect(await findTask(sql, task.taskId)).toMatchObject({
    ...{ error: 'oh', errorStack: 'oh\n    at here', result: { a: [1] }, output: 'text' },
  })
  await reviveTasks(sql, [task.taskId])
  expect(await findTask(sql, task.taskId)).toMatchObject({
    error: null,
    errorStack: null,
    result: null,
    output: null,
  })
})

test('a list cuts what is long before it is read, and says so; the task itself has it whole', async () => {
  const [long, short] = [await hold(sql), await hold(sql)]
  const result = Array.from({ length: 3000 }, (_, n) => n * 7919)
  const more = { output: 'x'.repeat(60_000), stack: 'é'.repeat(5000), result: JSON.stringify(result) }
  await settleTasks(
    sql,
    [reportOf(long, 'completed', more), reportOf(short, 'completed', { output: 'y' })],
    NOW,
  )
  const listed = await listTasks(sql, {}, { limit: 10, isBrief: true })
  const find = (id: string) => listed.find((task) => task.id === id)
  expect(find(short.taskId)).toMatchObject({ output: 'y', errorStack: null, result: null })
  expect(find(long.taskId)).toMatchObject({
    output: expect.stringMatching(/^x{1000}… \[truncated, about 59000 characters left out\]$/),
    errorStack: expect.stringMatching(/^é{1000}… /),
    result: '… [truncated, see the task itself]',
  })
  expect(await findTask(sql, long.taskId)).toMatchObject({
    output: more.output,
    errorStack: more.stack,
    result,
  })
  const [whole] = await listTasks(sql, { state: 'completed' }, { limit: 10 })
  expect(whole?.result ?? whole?.output).toBeTruthy()
})

test('lines are deleted with their tasks, by whoever deletes them', async () => {
  const [kept, discarded, old] = [await hold(sql), await hold(sql), await hold(sql)]
  for (const task of [kept, discarded, old]) await say(task, line(1))
  await settleTasks(sql, [reportOf(discarded, 'failed'), reportOf(old, 'completed')], NOW)
  await discardTasks(sql, [discarded.taskId])
  await waitFor(() => deleteEnded(sql, 'completed', { ageMs: 1, limit: 10 }), { what: 'it to be old' })
  const left = await sql<{ id: string }[]>`SELECT task_id AS id FROM task_logs`
  expect(left.map(({ id }) => id)).toEqual([kept.taskId])
})

test('however a table was when they were planned, deletions look up what they delete', async () => {
  await reset(sql)
  await sql`VACUUM ANALYZE task_logs, attempts, task_records`
  const tasks = await Promise.all(Array.from({ length: 20 }, () => hold(sql)))
  for (const task of tasks) await say(task, line(1), line(2))
  await settleTasks(
    sql,
    tasks.map((task) => reportOf(task, 'completed')),
    NOW,
  )
  const [plan] = await explain(database, (sql) => deleteEnded(sql, 'completed', { ageMs: -1000, limit: 100 }))
  const scans = plan!.nodes.filter((node) => node['Node Type'] === 'CTE Scan')
  expect(scans.filter((node) => node['Actual Loops'] > 1)).toEqual([])
  expect({ records: plan!.rowsRead('task_records'), held: plan!.rowsRead('held') }).toEqual({
    ...{ records: 60, held: 0 },
  })
  expect(await sql`SELECT task_id FROM task_logs`).toHaveLength(0)
})

test('among a million lines, each statement finds its own along the index', async () => {
  const ids = await insert(sql, 1000)
  await sql`
    INSERT INTO task_logs (task_id, attempt, seq, at, stream, text)
    SELECT id, 1, n, now(), 'stdout', 'x' FROM unnest(${ids}::uuid[]) AS id, generate_series(1, 1000) AS n`
  await sql`ANALYZE task_logs, task_records, held`
  const task = await hold(sql)
  const [listed] = await explain(database, (sql) => listLogs(sql, ids[500]!, { attempt: 1, seq: 500 }, 100))
  expect(listed!.rowsRead('task_logs')).toBe(100)
  expect(listed!.indexes).toEqual(['task_logs_pkey'])
  const log = { taskId: task.taskId, attempt: 1, workerId: task.workerId, lines: [line(1), line(2)] }
  const [stored] = await explain(database, (sql) => insertLogs(sql, [log], NOW))
  // The task is looked up for each of its lines.
  expect(stored!.rowsRead('task_records')).toBe(2)
  expect(stored!.rowsRead('held')).toBe(2)
  const word = { taskId: task.taskId, attempt: 1, workerId: task.workerId, value: 0.5 }
  const [moved] = await explain(database, (sql) => updateProgress(sql, [word]))
  expect(moved!.rowsRead('task_records')).toBe(0)
  expect(moved!.rowsRead('held')).toBe(1)
  await settleTasks(sql, [reportOf(task, 'failed')], NOW)
  const [discarded] = await explain(database, (sql) => discardTasks(sql, [task.taskId]))
  expect(discarded!.rowsRead('task_logs')).toBe(1000)
  expect(discarded!.rowsRead('task_records')).toBe(1)
}, 60_000)
