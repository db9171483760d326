import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type System, startSystem } from '../support/system.ts'
import { cli, type Run, temporaryFolder } from '../support/up.ts'

let system: System
let taskmaster: (...args: string[]) => Promise<Run>
let folder: string
const ID = '[0-9a-f-]{36}'

beforeAll(async () => {
  system = await startSystem({ workers: ['w1'], env: { TASK_PROCESS_TIME: '1' } })
  taskmaster = cli(`http://127.0.0.1:${system.scheduler.port}`)
  folder = await temporaryFolder()
}, 60_000)

async function write(name: string, value: unknown): Promise<string> {
  const path = join(folder, name)
  await Bun.write(path, JSON.stringify(value))
  return path
}

const fails = { payload: { failure_rate: 1 } }

test('a workflow in a file is submitted and followed to its end', async () => {
  const path = await write('good.json', [
    { key: 'a', command: 'a' },
    { key: 'b', command: 'b', depends_on: ['a'] },
  ])
  const { code, out } = await taskmaster('workflow', 'submit', path, '--name', 'good', '--follow')
  expect(code).toBe(0)
  expect(out).toMatch(
    new RegExp(
      `^Workflow submitted successfully!\nWorkflow ID: ${ID}\nTasks: 2\n(.*\n)*Workflow completed: 2 completed\n$`,
    ),
  )
  expect(out).toMatch(/\na {2}completed\n/)
})

test('one that fails is shown, retried and cancelled', async () => {
  const path = await write('bad.json', {
    name: 'bad',
    tasks: [
      { key: 'a', command: 'a', ...fails },
      { key: 'b', command: 'b', depends_on: ['a'] },
      { key: 'c', command: 'c', delay_seconds: 3600, depends_on: ['a'], on_parent_failure: 'continue' },
    ],
  })
  const made = JSON.parse((await taskmaster('workflow', 'submit', path, '--json')).out)
  await system.ended([made.tasks.a, made.tasks.b])
  const shown = (await taskmaster('workflow', 'show', made.workflow_id)).out
  expect(shown).toMatch(
    /^Workflow ID: .*\nName: +bad\nStatus: +running\nCreated: .*\nTasks: +1 pending, 2 failed\n\n/,
  )
  expect(shown).toMatch(new RegExp(`\nb +failed +${ID} +a +depends on ${made.tasks.a}, which failed\n`))
  expect((await taskmaster('workflow', 'list')).out).toMatch(
    new RegExp(`\n${made.workflow_id} +running .* bad\n`),
  )
  expect((await taskmaster('status', made.tasks.a)).out).toMatch(
    /\nNeeded by: +b \(failed\), c \(pending\)\n/,
  )
  expect((await taskmaster('status', made.tasks.b)).out).toMatch(/\nWaits for: +a \(failed\)\n/)

  expect((await taskmaster('workflow', 'retry', made.workflow_id)).out).toBe('2 tasks scheduled again\n')
  await system.ended([made.tasks.a, made.tasks.b])
  expect((await taskmaster('workflow', 'cancel', made.workflow_id)).out).toBe(
    '1 task cancelled, or told to stop\n',
  )
  const followed = await taskmaster('workflow', 'show', made.workflow_id, '--follow')
  expect(followed).toMatchObject({ code: 1 })
  expect(followed.out).toEndWith('Workflow failed: 2 failed, 1 cancelled\n')
})

test('one that is submitted twice under a key is there once', async () => {
  const path = await write('keyed.json', [{ key: 'a', command: 'a' }])
  const submit = () => taskmaster('workflow', 'submit', path, '--idempotency-key', 'daily-1', '--json')
  const [first, second] = [await submit(), await submit()]
  expect(first.code).toBe(0)
  expect(second).toEqual(first)
})

test('a single task is submitted to come after others', async () => {
  const parent = await system.submit()
  const submitted = await taskmaster(
    ...[
      'submit',
      '--cmd',
      'after',
      '--depends-on',
      `${parent}, ${parent}`,
      '--on-parent-failure',
      'skip',
      '--wait',
      '--json',
    ],
  )
  expect(JSON.parse(submitted.out)).toMatchObject({
    state: 'completed',
    parents: 1,
    on_parent_failure: 'skip',
  })
})

test('what is wrong is said in one line', async () => {
  const cycle = await write('cycle.json', [
    { key: 'a', command: 'a', depends_on: ['b'] },
    { key: 'b', command: 'b', depends_on: ['a'] },
  ])
  expect(await taskmaster('workflow', 'submit', cycle)).toEqual({
    ...{ code: 1, out: '', err: 'Error: tasks form a cycle: a → b → a\n' },
  })
  expect((await taskmaster('workflow', 'submit', join(folder, 'none.json'))).err).toMatch(
    /^Error: .* cannot be read/,
  )
  expect((await taskmaster('workflow', 'submit', await write('text.json', 'x'))).err).toMatch(
    /must be a JSON object/,
  )
  expect((await taskmaster('workflow', 'show', 'x')).err).toBe('Error: Workflow not found\n')
})

test('each of its commands shows how it is used', async () => {
  for (const command of ['submit', 'show', 'list', 'cancel', 'retry']) {
    expect((await taskmaster('workflow', command, '--help')).out).toMatch(
      /Examples?:\n {2}\$ bun run taskmaster workflow /,
    )
  }
})
