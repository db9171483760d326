import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { cli, type Launcher, type Run, startUp, temporaryFolder } from '../support/up.ts'

let launcher: Launcher
let folder: string
let taskmaster: (...args: string[]) => Promise<Run>

beforeAll(async () => {
  folder = await temporaryFolder()
  launcher = await startUp(folder, { WORKERS: '1' })
  taskmaster = cli(launcher.url)
}, 60_000)

const task = (command: string) => JSON.stringify({ command, payload: { duration_ms: 1 } })

test('a file of tasks is submitted, all or none, and exported again', async () => {
  const path = join(folder, 'tasks.ndjson')
  await Bun.write(path, `${task('many-a')}\n${task('many-b')}\n`)
  const { code, out } = await taskmaster('submit', '--file', path)
  expect(code).toBe(0)
  expect(out).toMatch(/^2 tasks submitted successfully!\nTask ID: [0-9a-f-]{36}\nTask ID: [0-9a-f-]{36}\n$/)

  const exported = await taskmaster('export', '--query', 'many-')
  const ids = out.match(/[0-9a-f-]{36}/g)!
  const found = exported.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).task_id)
  expect(found.sort()).toEqual(ids.sort())

  const table = join(folder, 'tasks.csv')
  expect(await taskmaster('export', '--format', 'csv', '--query', 'many-', '--output', table)).toMatchObject({
    code: 0,
    out: '',
  })
  expect((await Bun.file(table).text()).split('\r\n')).toHaveLength(4)
})

test('tasks may come from standard input; a fault names its line', async () => {
  const bad = await taskmaster('submit', '--file', '/nowhere/tasks.ndjson')
  expect(bad.code).toBe(1)
  expect(bad.err).toStartWith('Error: /nowhere/tasks.ndjson cannot be read: ')
  const path = join(folder, 'bad.ndjson')
  await Bun.write(path, `${task('none-a')}\n{"command": "none-b", "priority": "URGENT"}\n`)
  expect((await taskmaster('submit', '--file', path)).err).toStartWith('Error: line 2: priority must be ')
  const both = await taskmaster('submit', '--file', path, '--name', 'n')
  expect(both.err).toBe('Error: --file goes with --json and --server alone, not with --name\n')
  expect((await taskmaster('export', '--query', 'none-')).out).toBe('')

  const piped = Bun.spawn([process.execPath, 'src/cli/main.ts', 'submit', '--file', '-', '--json'], {
    env: { ...process.env, TASKMASTER_SERVER: launcher.url },
    stdin: new Blob([task('piped')]),
    stdout: 'pipe',
  })
  expect(await new Response(piped.stdout).json()).toMatchObject({ count: 1 })
})

test('delete is discard, for completed tasks too', async () => {
  const { out } = await taskmaster(
    'submit',
    '--cmd',
    'gone',
    '--payload',
    '{"duration_ms": 1}',
    '--wait',
    '--json',
  )
  const id = JSON.parse(out).task_id
  expect((await taskmaster('delete', id)).out).toBe(`${id}  discarded\n`)
  expect((await taskmaster('status', id)).err).toBe('Error: Task not found\n')
})
