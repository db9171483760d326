import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { testServer } from '../../support/database.ts'
import { cli, type Run } from '../../support/up.ts'
import { createProxy, type TcpProxy } from '../scheduler/proxy.ts'
import { createServed, type Served } from '../scheduler/served.ts'
import { addWorker } from '../scheduler/stand.ts'

/** A scheduler whose database can stand still: what is sent to it is swallowed, and nothing is cut. */
let proxy: TcpProxy
let served: Served
let taskmaster: (...args: string[]) => Promise<Run>
let id: string

beforeAll(async () => {
  proxy = await createProxy(testServer())
  served = await createServed({ through: { ...proxy, statementTimeoutMs: 60_000 } })
  await addWorker(served.sql, 1, 'w1')
  id = (await served.post('/tasks', { command: 'x' })).body.task_id
  taskmaster = cli(served.url)
})
// The pool ends before its way to the database does.
afterAll(async () => {
  await served.end()
  await proxy.close()
})

const NO_COORDINATOR =
  'The coordinator at 127.0.0.1:1 cannot be reached. No coordinator can be reached, so no task is given to a worker.'

test('health says how each part is, and ends with 1 when something is wrong', async () => {
  const { code, out, err } = await taskmaster('health')
  expect({ code, err }).toEqual({ code: 1, err: '' })
  expect(out).toMatch(/^System: +down\nDatabase: +ok since /)
  expect(out).toMatch(/\nCoordinator 127\.0\.0\.1:1: +down since /)
  expect(out).toEndWith(`\n\n! ${NO_COORDINATOR}\n`)
  const json = await taskmaster('health', '--json')
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({
    state: 'down',
    database: { state: 'ok' },
    message: NO_COORDINATOR,
  })
})

test('what is shown is shown with a warning', async () => {
  const [json, ...shown] = await Promise.all(
    [['stats', '--json'], ['stats'], ['workers'], ['status', id]].map((words) => taskmaster(...words)),
  )
  for (const { code, out, err } of shown) {
    expect({ code, err }).toEqual({ code: 0, err: `Warning: ${NO_COORDINATOR}\n` })
    expect(out).not.toBeEmpty()
  }
  expect({ code: json!.code, err: JSON.parse(json!.err) }).toEqual({
    code: 0,
    err: { warning: NO_COORDINATOR },
  })
  expect(JSON.parse(json!.out)).toMatchObject({ total_tasks: 1 })
})

describe('while the database stands still', () => {
  beforeAll(() => proxy.swallow())

  test('every command says so in one line, and does not wait for it', async () => {
    const since = performance.now()
    const answers = await Promise.all(
      [['stats'], ['workers'], ['status', id]].map((words) => taskmaster(...words)),
    )
    for (const answer of answers) {
      expect(answer).toEqual({
        code: 1,
        out: '',
        err:
          'Error: PostgreSQL is not answering. Nothing is lost: tasks wait until it does, ' +
          'and workers go on with what they run.\n',
      })
    }
    // Without the question before, the answer alone takes five.
    expect(performance.now() - since).toBeLessThan(5000)
  })

  test('health says it, too', async () => {
    const { code, out } = await taskmaster('health')
    expect(code).toBe(1)
    expect(out).toMatch(/^System: +down\nDatabase: +down since /)
    expect(out).toContain('! PostgreSQL is not answering.')
  })
})
