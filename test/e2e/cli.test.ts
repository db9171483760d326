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
    expect(answer).toEqual({ code: 1, out: '', err: 'Error: Invalid priority: URGENT\n' })
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
  await sql`DROP SCHEMA public CASCADE`
  await sql`CREATE SCHEMA public`
  const { host, port, user, password, database } = settings
  const env = {
    DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
  }
  const first = await run('src/cli/main.ts', ['migrate'], env)
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toStartWith('Applied: 0001_tasks.sql, ')
  expect((await run('src/cli/main.ts', ['migrate'], env)).out).toBe('The database is up to date.\n')
})

test('--help shows examples for every command', async () => {
  const { out } = await taskmaster('--help')
  const names = [...out.matchAll(/^ {2}(\w+) (?:\[|<)/gm)].map(([, name]) => name as string)
  expect(names).toContain('submit')
  for (const name of names.filter((known) => known !== 'help')) {
    expect((await taskmaster(name, '--help')).out).toMatch(/Examples?:\n/)
  }
})
