import { beforeAll, describe, expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { createServed, type Served } from './served.ts'
import { addWorker, claim, refuses, report } from './stand.ts'

const TASKS = 2500
let served: Served
const linesOf = (text: string) => text.trimEnd().split('\n').filter(Boolean)

beforeAll(async () => {
  served = await createServed()
  const tasks = Array.from({ length: TASKS }, (_, index) => ({
    command: `c${index}`,
    name: index % 100 === 0 ? 'rare' : '',
    ...(index % 2 && { delay_seconds: 60 + index }),
  }))
  await served.post('/api/tasks/batch', tasks)
  await addWorker(served.sql, 1, 'w1')
  await report(served.sql, 'failed', 1, await claim(served.sql, 1, 500))
})

describe('an export has exactly what the lists have, in their order', () => {
  test.each([
    '',
    'state=failed',
    'q=rare',
    'state=pending&q=rare',
    'worker=w1',
    'sort=scheduled',
    'state=running',
  ])('%s', async (query) => {
    const listed: unknown[] = []
    for (let path: string | null = `/api/tasks?${query}`; path; ) {
      const page = await served.get(path)
      listed.push(...page.body.map(({ id }: { id: string }) => id))
      path = /<(.*)>/.exec(page.headers.get('link') ?? '')?.[1] ?? null
    }
    const { status, headers, body } = await served.get(`/api/tasks/export?${query}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    expect(linesOf(body).map((line) => JSON.parse(line).id)).toEqual(listed)
  })
})

test('each line is the task as GET /tasks/:id has it, without what belongs to it', async () => {
  const { body } = await served.get('/api/tasks/export?state=failed')
  const task = JSON.parse(linesOf(body)[0]!)
  expect((await served.get(`/tasks/${task.id}`)).body).toMatchObject(task)
  expect(Object.keys(task).length).toBeGreaterThan(30)
})

test('as a table it has one row for each, a file name, and no formula', async () => {
  await served.post('/tasks', { command: '=cmd()', name: 'evil', payload: { 'a"b': 1 } })
  const { headers, body } = await served.get('/api/tasks/export?format=csv&q=evil')
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(headers.get('content-disposition')).toBe('attachment; filename="tasks.csv"')
  const [head, row, ...rest] = body.split('\r\n')
  expect(head).toStartWith('task_id,name,state,command,')
  expect(row).toContain(",evil,pending,'=cmd(),")
  expect(row).toEndWith('"{""a\\""b"":1}"')
  expect(rest).toEqual([''])
  expect((await served.get('/api/tasks/export?format=csv&q=nothing-like-it')).body).toBe(`${head}\r\n`)
})

test('what is wrong is said before anything is sent', async () => {
  refuses(
    await served.get('/api/tasks/export?format=xml'),
    400,
    'format must be one of: ndjson, csv',
    'invalid',
  )
  refuses(await served.get('/api/tasks/export?state=gone'), 400, /^state must be one of/, 'invalid')
  const head = await fetch(`${served.url}/api/tasks/export`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(served.services.exports.open).toBe(0)
})

test('one whose reader goes away is given up', async () => {
  const abort = new AbortController()
  const response = await fetch(`${served.url}/api/tasks/export`, { signal: abort.signal })
  const reader = response.body!.getReader()
  await reader.read()
  expect(served.services.exports.open).toBe(1)
  abort.abort()
  await waitFor(() => served.services.exports.open === 0, { what: 'the end of the export' })
})

test('a 65th at once is refused until another ends', async () => {
  const open = Array.from({ length: 64 }, () =>
    served.services.exports.pages({ sort: '-scheduled', format: 'csv' }),
  )
  await Promise.all(open.map((pages) => pages.next(0)))
  refuses(await served.get('/api/tasks/export'), 429, /^too many exports/, 'too_many')
  await open[0]!.return()
  expect((await served.get('/api/tasks/export?state=failed')).status).toBe(200)
  await Promise.all(open.map((pages) => pages.return()))
  expect(served.services.exports.open).toBe(0)
})

test('one that breaks off ends in an error, so that nobody takes a part for the whole', async () => {
  const own = await createServed()
  const tasks = Array.from({ length: 5000 }, (_, index) => ({ command: `c${index}` }))
  await own.post('/api/tasks/batch', tasks)
  const response = await fetch(`${own.url}/api/tasks/export`)
  const reader = response.body!.getReader()
  expect((await reader.read()).done).toBe(false)
  await own.sql`ALTER TABLE tasks RENAME TO hidden`
  const rest = async () => {
    while (!(await reader.read()).done);
    return 'ended well'
  }
  expect(await rest().catch(() => 'broke off')).toBe('broke off')
  expect(own.services.exports.open).toBe(0)
  expect(own.logged.find(({ msg }) => msg === 'An export broke off')).toBeDefined()
})
