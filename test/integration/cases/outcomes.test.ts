import { afterAll, expect, test } from 'bun:test'
import { TRIALS } from '../../../src/shared/core/row-fault.ts'
import type { Task__Output } from '../../../src/shared/rpc/gen/grpcapi/Task.ts'
import { listLogs } from '../../../src/shared/store/logs.ts'
import { findTask } from '../../../src/shared/store/tasks.ts'
import { createRefusals, outcomesOf } from '../../support/refusals.ts'
import { readSqlstatesOfEachClass } from '../../support/sqlstates.ts'
import { insert } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'
import { openRaw, reportOf, startStand } from '../coordinator/stand.ts'

/** What workers say is kept until it is stored, whatever the database refuses, and for as long as it does. */

const stand = await startStand()
const { sql, troubles } = stand
const worker = await openRaw(stand.address, { slots: 100 })
const updates = await createRefusals(sql, { table: 'task_records', changes: 'UPDATE' })
const lines = await createRefusals(sql, { table: 'task_logs', changes: 'INSERT' })
const outputs = await createRefusals(sql, {
  table: 'task_records',
  changes: 'UPDATE',
  row: 'NEW.output IS NOT NULL',
})
const poison = await createRefusals(sql, {
  table: 'task_records',
  changes: 'UPDATE',
  row: `NEW.output LIKE '%poison%' OR NEW.error LIKE '%poison%' OR NEW.result::text LIKE '%poison%'`,
})
const poisonedLines = await createRefusals(sql, {
  table: 'task_logs',
  changes: 'INSERT',
  row: `NEW.text LIKE '%poison%'`,
})

const codes = await readSqlstatesOfEachClass()

/** So many tasks in the hands of the worker, which has started them. */
async function start(count = 1, maxRetries = 0): Promise<Task__Output[]> {
  const before = worker.tasks.length
  const ids = await insert(sql, count, { maxRetries })
  await worker.given(before + count)
  const tasks = ids.map((id) => worker.tasks.find(({ task_id }) => task_id === id) as Task__Output)
  await worker.acknowledged(worker.report(...tasks.map((task) => reportOf(task, 'STARTED'))))
  return tasks
}

const said = ({ task_id, attempt }: Task__Output, ...texts: string[]) => ({
  task_id,
  attempt,
  lines: texts.map((text, n) => ({ seq: n + 1, ago_ms: 1, stream: 'STDOUT' as const, text })),
})

const textsOf = async ({ task_id }: Task__Output) =>
  (await listLogs(sql, task_id, { attempt: 0, seq: 0 }, 100)).map(({ text }) => text)

const trouble = (key: string, code: string) =>
  waitFor(() => troubles.list().some((one) => one.key === key && one.code === code), {
    what: `${key} in ${code}`,
  })

const well = () => waitFor(() => troubles.list().length === 0, { what: 'the end of all troubles' })

test('an attempt that ends while nothing can be written has run once, with all its lines, whatever class the error is of', async () => {
  for (const code of codes) {
    const [task] = await start()
    const ends = [await updates.begin(code), await lines.begin(code)]
    const sequence = worker.reportWith(
      [said(task!, 'a', 'b')],
      reportOf(task!, 'COMPLETED', { output: 'a\nb', result: '"ok"' }),
    )
    await trouble('lines', code)
    await ends[1]!()
    await trouble('reports', code)
    await ends[0]!()
    await worker.acknowledged(sequence)
    const { task_id } = task!
    const row = await findTask(sql, task_id)
    expect({
      code,
      outcomes: await outcomesOf(sql, task_id),
      lines: await textsOf(task!),
      ...{ output: row?.output, result: row?.result },
    }).toEqual({ code, outcomes: ['completed'], lines: ['a', 'b'], output: 'a\nb', result: 'ok' })
  }
  await well()
})

test('reports whose texts do not fit wait, and those without texts do not wait for them', async () => {
  for (const code of ['53100', '22021']) {
    const [large, small] = await start(2)
    const before = await outputs.count()
    const end = await outputs.begin(code)
    const waiting = worker.report(reportOf(large!, 'COMPLETED', { output: 'x'.repeat(50_000) }))
    await trouble('reports', code)
    worker.report(reportOf(small!, 'COMPLETED'))
    await waitFor(async () => (await findTask(sql, small!.task_id))?.state === 'completed', {
      what: 'the small',
    })
    // Each trial is refused twice: the row, and the one that is like it.
    await waitFor(async () => (await outputs.count()) - before > 2 * (TRIALS + 1), {
      what: 'more than all trials',
    })
    expect(await findTask(sql, large!.task_id)).toMatchObject({
      state: 'running',
      attempt: 1,
      failures: 0,
      losses: 0,
    })
    expect(worker.received.some(({ ack }) => (ack?.sequence ?? 0) >= waiting)).toBe(false)
    await end()
    await worker.acknowledged(waiting)
    expect(await outcomesOf(sql, large!.task_id)).toEqual(['completed'])
  }
  await well()
})

test('what cannot be stored for what it holds ends its task as failed, charged, and the others are stored', async () => {
  const tasks = await start(300, 5)
  const end = await poison.begin('22P05')
  const bad = new Set([0, 149, 150, 299])
  const sequence = worker.report(
    ...tasks.map((task, n) => reportOf(task, 'COMPLETED', { output: bad.has(n) ? 'poison' : `fine ${n}` })),
  )
  await worker.acknowledged(sequence)
  await end()
  for (const [n, { task_id }] of tasks.entries()) {
    const row = await findTask(sql, task_id)
    if (!bad.has(n)) expect(row).toMatchObject({ state: 'completed', output: `fine ${n}` })
    else {
      expect(row).toMatchObject({ state: 'failed', attempt: 1, failures: 1, output: null, result: null })
      expect(row?.error).toBe(
        'The attempt ended as completed, but what it said cannot be stored: A text holds characters that the ' +
          'database cannot store, or is too long for it. (refused by the test) ' +
          'Change what the task prints, throws or returns, then retry it.',
      )
    }
  }
  await well()
})

test('a line that cannot be stored is replaced by one that says so, and the others are there', async () => {
  const [task, other] = await start(2)
  const end = await poisonedLines.begin('22021')
  const sequence = worker.reportWith(
    [said(task!, 'first', 'poison', 'last'), said(other!, 'fine')],
    reportOf(task!, 'COMPLETED'),
    reportOf(other!, 'COMPLETED'),
  )
  await worker.acknowledged(sequence)
  await end()
  expect(await textsOf(task!)).toEqual([
    'first',
    expect.stringMatching(/^… \[this line cannot be stored: .*\(refused by the test\)\]$/),
    'last',
  ])
  expect(await textsOf(other!)).toEqual(['fine'])
  await well()
})

test('a failure is charged once and retried once, however often its report is written again', async () => {
  const [task] = await start(1, 3)
  const end = await updates.begin('40001')
  const sequence = worker.report(reportOf(task!, 'FAILED', { error: 'it broke' }))
  await trouble('reports', '40001')
  await end()
  await worker.acknowledged(sequence)
  expect(await findTask(sql, task!.task_id)).toMatchObject({ failures: 1, losses: 0 })
  expect((await outcomesOf(sql, task!.task_id))[0]).toBe('failed')
})

test('a trouble is logged when it begins and when it ends, and nothing of all this was an error but what was set aside', () => {
  const logged = stand.logged.filter(({ msg }) => /cannot be stored/.test(msg))
  const began = logged.filter(({ level }) => level === 'warn').length
  expect(began).toBeGreaterThanOrEqual(2 * codes.length)
  expect(logged.filter(({ level, msg }) => level === 'info' && msg.startsWith('Over: ')).length).toBe(began)
  expect(stand.logged.filter(({ level }) => level === 'error').length).toBe(5)
})

afterAll(() => worker.cut())
