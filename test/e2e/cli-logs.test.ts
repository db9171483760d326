import { expect, test } from 'bun:test'
import { startSystem } from '../support/system.ts'
import { cli } from '../support/up.ts'

const system = await startSystem()
await system.startWorker('w1', { WORKER_EXECUTORS: 'shell' })
const taskmaster = cli(`http://127.0.0.1:${system.scheduler.port}`)
const run = (command: string) => system.submit({ command, executor: 'shell' })

test('logs TASK prints its lines, each stream where it belongs', async () => {
  const id = await run('echo one; sleep 0.1; echo two >&2')
  await system.ended([id])
  const { code, out, err } = await taskmaster('logs', id)
  expect(code).toBe(0)
  expect(out).toMatch(/^\S+ \S+ {2}stdout {2}one\n$/)
  expect(err).toMatch(/^\S+ \S+ {2}stderr {2}two\n$/)
  const { out: json } = await taskmaster('logs', id, '--json')
  expect(
    json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).text),
  ).toEqual(['one', 'two'])
})

test('logs TASK --follow goes on until the task has ended, and tells how', async () => {
  const [good, bad] = [
    await run('for n in 1 2 3; do echo $n; sleep 0.2; done'),
    await run('sleep 0.3; echo no; exit 1'),
  ]
  const [followed, failed] = await Promise.all([
    taskmaster('logs', good, '--follow', '--json'),
    taskmaster('logs', bad, '--follow'),
  ])
  const texts = followed.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).text)
  expect({ code: followed.code, texts }).toEqual({ code: 0, texts: ['1', '2', '3'] })
  expect(failed).toMatchObject({
    code: 1,
    out: expect.stringMatching(/stdout {2}no\n$/),
    err: 'Task failed\n',
  })
})

test('a task of very many lines is printed whole', async () => {
  const id = await run('seq 1 2500')
  await system.ended([id])
  const { out } = await taskmaster('logs', id)
  const numbers = out
    .trim()
    .split('\n')
    .map((line) => Number(line.split('  ')[2]))
  expect(numbers).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1))
})

test('a task that is not there is an error, followed or not', async () => {
  for (const more of [[], ['--follow']]) {
    const { code, err } = await taskmaster('logs', '00000000-0000-4000-8000-000000000000', ...more)
    expect({ code, err }).toEqual({ code: 1, err: 'Error: Task not found\n' })
  }
})
