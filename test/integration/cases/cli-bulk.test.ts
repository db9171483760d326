import { beforeAll, expect, test } from 'bun:test'
import { cli, type Run } from '../../support/up.ts'
import { createServed, type Served } from '../scheduler/served.ts'

let served: Served
let taskmaster: (...args: string[]) => Promise<Run>

beforeAll(async () => {
  served = await createServed()
  taskmaster = cli(served.url)
  for (const priority of ['LOW', 'HIGH', 'CRITICAL']) {
    await served.post('/tasks', { command: `at ${priority}`, priority, delay_seconds: 3600 })
  }
})

test('tasks are listed by priority', async () => {
  const { out } = await taskmaster('tasks', '--priority', '>=HIGH', '--sort', '-priority', '--json')
  expect(JSON.parse(out).map(({ command }: { command: string }) => command)).toEqual([
    'at CRITICAL',
    'at HIGH',
  ])
})

test.each([
  [['tasks', '--state', 'completd'], /state must be one of: .*; not "completd"/],
  [['tasks', '--priority', 'hihg'], /priority must be .*, not "hihg"/],
  [['export', '--state', 'completd'], /state must be one of/],
  [['cancel', '--state', 'pendin'], /state must be one of: .*; not "pendin"/],
] as const)('%j does nothing and names the fault', async (args, naming) => {
  expect(await taskmaster(...args)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(naming) })
})

test('what a dry run counted is what the same command with its bound does', async () => {
  const { code, out } = await taskmaster('cancel', '--query', 'at', '--dry-run')
  expect(code).toBe(0)
  const [, bound = ''] =
    /^3 tasks would be cancelled, or told to stop\nFor these and no others: --bound (\S+)\n$/.exec(out) ?? []
  await served.post('/tasks', { command: 'at last', delay_seconds: 3600 })
  expect(await taskmaster('cancel', '--query', 'at', '--bound', bound)).toMatchObject({
    code: 0,
    out: '3 tasks cancelled, or told to stop\n',
  })
  expect((await served.get('/api/stats')).body).toMatchObject({ pending_tasks: 1, cancelled_tasks: 3 })
})
