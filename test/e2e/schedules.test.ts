import { beforeAll, expect, test } from 'bun:test'
import { type System, startSystem } from '../support/system.ts'
import { cli, type Run } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

let system: System
let taskmaster: (...args: string[]) => Promise<Run>

beforeAll(async () => {
  system = await startSystem({ workers: ['w1'], env: { TASK_PROCESS_TIME: '1' } })
  const schedules = cli(`http://127.0.0.1:${system.scheduler.port}`)
  taskmaster = (...args) => schedules('schedules', ...args)
}, 60_000)

async function json(...args: string[]) {
  const { code, out, err } = await taskmaster(...args, '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}

test('a schedule made on the command line starts tasks that workers complete, each on record', async () => {
  const made = await taskmaster(
    'create',
    'probe',
    '--every',
    '1s',
    '--cmd',
    'check',
    '--priority',
    'HIGH',
    '--overlap',
    'skip',
  )
  expect(made).toMatchObject({ code: 0, err: '' })
  expect(made.out).toMatch(
    /^Schedule ID: {2}\S+\nName: {9}probe\nStatus: {7}active\nWhen: {9}every 1\.000 s\n/,
  )
  const fired = await waitFor(
    async () => {
      const ticks: { outcome: string; task_id: string; lag_ms: number }[] = await json('ticks', 'probe')
      return ticks.length >= 2 && ticks
    },
    { what: 'two ticks' },
  )
  expect(fired.map(({ outcome }) => outcome)).toEqual(fired.map(() => 'fired'))
  const rows = await system.ended(fired.map(({ task_id }) => task_id))
  expect(rows.map(({ state }) => state)).toEqual(rows.map(() => 'completed'))
  const listed = await taskmaster()
  expect(listed.out).toMatch(
    /^NAME +STATE +WHEN +NEXT +LAST +COMMAND\nprobe +active +every 1\.000 s +\S+ \S+ +\S+ \S+ fired +check\n$/,
  )
  expect((await taskmaster('ticks', 'probe', '--limit', '1')).out).toMatch(
    /^TICK +OUTCOME +LAG +TASK ID +REASON\n\S+ \S+ +fired +\d+ ms/,
  )
})

test('it is edited, paused, resumed, run by hand, backfilled and deleted by its name', async () => {
  const { schedule_id } = await json(
    'create',
    'nightly',
    '--cron',
    '30 2 * * *',
    '--zone',
    'Europe/Berlin',
    '--cmd',
    'report',
    '--timeout',
    '10m',
    '--paused',
  )
  expect((await taskmaster('show', schedule_id)).out).toMatch(
    /Status: +paused\nWhen: +30 2 \* \* \* Europe\/Berlin\n/,
  )
  expect(await json('edit', 'nightly', '--cron', '0 3 * * *', '--priority', 'CRITICAL')).toMatchObject({
    cron: '0 3 * * *',
    task: { command: 'report', timeout_ms: 600_000, priority: 3 },
    state: 'paused',
  })
  expect(await taskmaster('resume', 'nightly')).toEqual({ code: 0, out: 'nightly  resumed\n', err: '' })
  expect((await taskmaster('run-now', 'nightly')).out).toMatch(/^nightly {2}task started: [0-9a-f-]{36}\n$/)
  const range = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-03T00:00:00Z']
  expect((await taskmaster('backfill', 'nightly', ...range)).out).toBe(
    '2 of 2 ticks started; the others had been\n',
  )
  expect((await taskmaster('backfill', 'nightly', ...range)).out).toBe(
    '0 of 2 ticks started; the others had been\n',
  )
  expect(await taskmaster('pause', 'nightly', 'probe')).toEqual({
    code: 0,
    out: 'nightly  paused\nprobe  paused\n',
    err: '',
  })
  expect(await taskmaster('delete', 'nightly')).toEqual({ code: 0, out: 'nightly  deleted\n', err: '' })
  expect(await taskmaster('show', 'nightly')).toEqual({
    code: 1,
    out: '',
    err: 'Error: There is no schedule called nightly\n',
  })
})

test('a preview says in words what changes of the clock do', async () => {
  const { out } = await taskmaster(
    'preview',
    '--cron',
    '30 2 * * *',
    '--zone',
    'Europe/Berlin',
    '--count',
    '2',
  )
  expect(out).toMatch(/^EUROPE\/BERLIN +UTC +NOTE\n\S+ 0[23]:[03]0:00 \+0[12]:00 +/)
  expect(out).toMatch(/\n\nWhen clocks change:\n/)
  expect(out).toMatch(/02:30 does not exist on \d{4}-03-\d\d in Europe\/Berlin: fires at 03:00\n/)
  expect(await taskmaster('preview', '--cron', '61 * * * *')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^Error: Invalid cron expression/),
  })
})

test('what is missing is said', async () => {
  expect(await taskmaster('create', 'x', '--every', '1h')).toEqual({
    code: 1,
    out: '',
    err: 'Error: give --cmd or --task\n',
  })
  expect(await taskmaster('create', 'x', '--cmd', 'y')).toEqual({
    code: 1,
    out: '',
    err: 'Error: cron or every_ms is required\n',
  })
  expect(await taskmaster('create', 'x', '--every', '1h', '--task', '[]')).toMatchObject({
    code: 1,
    err: 'Error: Invalid task: it must be a JSON object\n',
  })
})
