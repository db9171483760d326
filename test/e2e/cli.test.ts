import { beforeAll, describe, expect, test } from 'bun:test'
import { eachLine } from '../../src/cli/up/lines.ts'
import { createTestDatabase } from '../support/database.ts'
import { cli, type Launcher, type Run, run, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

let launcher: Launcher
let taskmaster: (...args: string[]) => Promise<Run>

beforeAll(async () => {
  launcher = await startUp(await temporaryFolder(), { WORKERS: '2' })
  taskmaster = cli(launcher.url)
}, 60_000)

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const MISSING = '00000000-0000-4000-8000-000000000000'

async function submit(...args: string[]): Promise<string> {
  const { out } = await taskmaster('submit', '--cmd', 'hello', ...args, '--json')
  return JSON.parse(out).task_id
}

describe('submit', () => {
  test('prints the id and the status', async () => {
    const { code, out, err } = await taskmaster('submit', '--cmd', 'hello')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(new RegExp(`^Task submitted successfully!\nTask ID: ${UUID}\nStatus: submitted\n$`))
  })

  test('needs a command', async () => {
    expect(await taskmaster('submit')).toEqual({ code: 1, out: '', err: 'Error: command is required\n' })
  })

  test('refuses an unknown priority', async () => {
    const answer = await taskmaster('submit', '--cmd', 'hello', '--priority', 'URGENT')
    expect(answer).toEqual({ code: 1, out: '', err: 'Invalid priority: URGENT\n' })
  })

  test('passes everything on', async () => {
    const words = ['--priority', 'CRITICAL', '--name', 'n', '--desc', 'd', '--retries', '3', '--in', '1h']
    const id = await submit(...words)
    const task = JSON.parse((await taskmaster('status', id, '--json')).out)
    expect(task).toMatchObject({ command: 'hello', priority: 3, name: 'n', description: 'd', max_retries: 3 })
    expect(Date.parse(task.scheduled_at) - Date.now()).toBeWithin(3_500_000, 3_600_001)
    expect(task.state).toBe('pending')
  })

  test('takes an instant, and refuses one without an offset', async () => {
    const id = await submit('--at', '2099-05-06T07:08:09+02:00')
    const task = JSON.parse((await taskmaster('status', id, '--json')).out)
    expect(task.scheduled_at).toBe('2099-05-06T05:08:09.000Z')
    const { code, err } = await taskmaster('submit', '--cmd', 'hello', '--at', 'tomorrow')
    expect({ code, err }).toEqual({ code: 1, err: 'Error: Invalid date format. Use ISO 8601 format.\n' })
  })

  test('--wait shows how the task ended', async () => {
    const { code, out } = await taskmaster('submit', '--cmd', 'hello', '--wait')
    expect(code).toBe(0)
    expect(out.split('\n')[3]).toMatch(/^Task completed after \d+\.\d{3} s on worker-[12]/)
  })

  test('--wait exits with 1 when the task failed', async () => {
    const { code, out } = await taskmaster(
      'submit',
      '--cmd',
      'bad',
      '--payload',
      '{"failure_rate":1}',
      '--wait',
    )
    expect(code).toBe(1)
    expect(out).toContain('Task failed')
  })

  test('--wait --json prints the ended task alone', async () => {
    const { out } = await taskmaster('submit', '--cmd', 'hello', '--wait', '--json')
    expect(JSON.parse(out)).toMatchObject({ command: 'hello', state: 'completed' })
  })
})

test('status shows a task, and says so when there is none', async () => {
  const id = await submit('--name', 'weekly', '--in', '1d')
  const { code, out } = await taskmaster('status', id)
  expect(code).toBe(0)
  expect(out).toContain(`Task ID:    ${id}\nStatus:     pending\nName:       weekly\n`)
  expect(await taskmaster('status', MISSING)).toEqual({ code: 1, out: '', err: 'Error: Task not found\n' })
})

test('why says what stands in the way of a task', async () => {
  const id = await submit('--in', '1h', '--executor', 'shell')
  const { code, out } = await taskmaster('why', id)
  expect(code).toBe(0)
  expect(out).toMatch(/^1\. It is not due for 60 min\.\n2\. No live worker runs shell\.\n$/)
  const said = JSON.parse((await taskmaster('why', id, '--json')).out)
  expect(said).toMatchObject({
    task_id: id,
    state: 'pending',
    reasons: [{ code: 'not_due' }, { code: 'no_worker' }],
  })
  expect(await taskmaster('why', MISSING)).toEqual({ code: 1, out: '', err: 'Error: Task not found\n' })
})

test('tasks lists the latest scheduled first', async () => {
  const later = await submit('--at', '2199-01-02T00:00:00Z')
  const latest = await submit('--at', '2199-01-03T00:00:00Z')
  const { out } = await taskmaster('tasks', '--limit', '2', '--state', 'pending')
  const [title, ...rows] = out.trimEnd().split('\n')
  expect(title).toMatch(/^TASK ID +STATE +PRIORITY +SCHEDULED +WORKER +DURATION +COMMAND$/)
  expect(rows.map((row) => row.split(' ')[0])).toEqual([latest, later])
  const listed = JSON.parse((await taskmaster('tasks', '--limit', '1', '--json')).out)
  expect(listed).toMatchObject([{ task_id: latest }])
})

test('workers and stats show what runs', async () => {
  const { out } = await taskmaster('workers')
  expect(
    out
      .split('\n')
      .slice(1, 3)
      .map((row) => row.split(' ')[0]),
  ).toEqual(['worker-1', 'worker-2'])
  expect(JSON.parse((await taskmaster('workers', '--json')).out)).toHaveLength(2)
  expect((await taskmaster('stats')).out).toMatch(/^Tasks: +\d+\n/)
  const stats = JSON.parse((await taskmaster('stats', '--json')).out)
  expect(stats.total_tasks).toBeGreaterThan(0)
})

test('logs shows what happened, and --follow what happens then', async () => {
  const first = await submit('--wait')
  expect((await taskmaster('logs')).out).toContain(`Task ${first} completed`)

  const lines: string[] = []
  const follower = Bun.spawn([process.execPath, 'src/cli/main.ts', 'logs', '--follow', '--json'], {
    env: { TASKMASTER_SERVER: launcher.url },
    stdout: 'pipe',
  })
  eachLine(follower.stdout, (line) => lines.push(line))
  await waitFor(() => lines.some((line) => line.includes(first)), { what: 'the backlog' })
  const second = await submit()
  await waitFor(() => lines.some((line) => JSON.parse(line).type === 'completed' && line.includes(second)), {
    what: 'the end of the second task',
  })
  follower.kill()
  await follower.exited
})

test('submit takes what a task may have, and the same key gives the same task', async () => {
  const words = [
    '--timeout',
    '1m',
    '--cancel-grace',
    '2s',
    '--retries',
    '2',
    '--backoff',
    '1s',
    '--backoff-cap',
    '5m',
  ]
  const first = await submit('--in', '1h', '--idempotency-key', 'weekly', ...words)
  expect(await submit('--in', '1h', '--idempotency-key', 'weekly', ...words)).toBe(first)
  const other = await taskmaster('submit', '--cmd', 'other', '--idempotency-key', 'weekly')
  expect(other).toMatchObject({ code: 1, err: expect.stringContaining('idempotency_key') })
  expect(JSON.parse((await taskmaster('status', first, '--json')).out)).toMatchObject({
    timeout_ms: 60_000,
    cancel_grace_ms: 2000,
    max_retries: 2,
    retry_backoff_ms: 1000,
    retry_backoff_cap_ms: 300_000,
    idempotency_key: 'weekly',
    attempts: [],
  })
})

test('tasks are cancelled, retried, run now and discarded, by id or by what they are', async () => {
  const [one, two] = [
    await submit('--in', '1h', '--name', 'doomed'),
    await submit('--in', '1h', '--name', 'doomed'),
  ]
  expect(await taskmaster('cancel', one)).toEqual({ code: 0, out: `${one}  cancelled\n`, err: '' })
  expect(await taskmaster('cancel', one)).toEqual({
    code: 1,
    out: '',
    err: 'Error: a cancelled task cannot be cancelled\n',
  })
  const both = await taskmaster('cancel', one, two, '--json')
  expect(JSON.parse(both.out)).toMatchObject([
    { task_id: one, code: 'conflict' },
    { task_id: two, status: 'cancelled' },
  ])
  expect(both.code).toBe(1)
  expect((await taskmaster('retry', '--query', 'doomed')).out).toBe('2 tasks scheduled again\n')
  expect(JSON.parse((await taskmaster('run-now', two, '--json')).out)).toEqual({
    task_id: two,
    status: 'scheduled',
  })
  expect((await taskmaster('cancel', '--query', 'doomed', '--state', 'pending')).code).toBe(0)
  expect((await taskmaster('discard', one)).out).toBe(`${one}  discarded\n`)
  expect((await taskmaster('status', one)).err).toBe('Error: Task not found\n')
  expect((await taskmaster('cancel')).err).toBe(
    'Error: give ids, --state, --worker, --query, --priority or --all\n',
  )
  expect((await taskmaster('cancel', one, '--all')).code).toBe(1)
})

test('status shows every attempt, and dead-letters what failed for good', async () => {
  const failing = [
    '--payload',
    '{"failure_rate":1,"duration_ms":1}',
    '--retries',
    '1',
    '--backoff',
    '1ms',
    '--wait',
  ]
  const { out } = await taskmaster('submit', '--cmd', 'breaks', ...failing, '--json')
  const { task_id: id } = JSON.parse(out)
  const { out: shown } = await taskmaster('status', id)
  expect(shown).toContain('Failures:')
  expect(shown).toMatch(
    /ATTEMPT +OUTCOME +WORKER[\s\S]*\n +1 +failed +worker-[12][\s\S]*\n +2 +failed +worker-[12]/,
  )
  expect((await taskmaster('dead-letters')).out).toMatch(new RegExp(`${id} .* 2 +breaks`))
  const listed = JSON.parse((await taskmaster('dead-letters', '--query', 'breaks', '--json')).out)
  expect(listed).toMatchObject([{ task_id: id, state: 'failed', attempt: 2 }])
  expect((await taskmaster('discard', '--query', 'breaks')).out).toBe('1 task discarded\n')
})

test('audit finds nothing when all is well', async () => {
  const { code, out, err } = await taskmaster('audit')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('Nothing found.')
  expect(JSON.parse((await taskmaster('audit', '--json')).out)).toMatchObject({ ok: true, findings: [] })
})

test('scale refuses counts that make no sense', async () => {
  for (const count of ['0', '51', 'many']) {
    const answer = await taskmaster('scale', count)
    expect(answer).toEqual({ code: 1, out: '', err: 'Error: count must be between 1 and 50\n' })
  }
})

test('one line says so when there is no scheduler', async () => {
  const answer = await cli('localhost:1')('stats')
  expect(answer.code).toBe(1)
  expect(answer.err).toMatch(/^Error: the scheduler at http:\/\/localhost:1 cannot be reached\. .*\n$/)
  const json = await cli('localhost:1')('stats', '--json')
  expect(JSON.parse(json.err)).toMatchObject({ code: 'unavailable' })
})

test('migrate brings a database up to date, and says when it is', async () => {
  const { settings, sql } = await createTestDatabase()
  await sql`DROP SCHEMA taskmaster CASCADE`
  const { host, port, user, password, database } = settings
  const env = {
    DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
  }
  const first = await run('src/cli/main.ts', ['migrate'], env)
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toBe('Applied: 0001_baseline.sql, 0002_submit.sql\n')
  expect((await run('src/cli/main.ts', ['migrate'], env)).out).toBe('The database is up to date.\n')
})

test('--help shows examples for every command', async () => {
  const { out } = await taskmaster('--help')
  const names = [...out.matchAll(/^ {2}([\w-]+) (?:\[|<)/gm)].map(([, name]) => name as string)
  expect(names).toContain('submit')
  for (const name of names.filter((known) => known !== 'help')) {
    expect((await taskmaster(name, '--help')).out).toMatch(/Examples?:\n/)
  }
})
