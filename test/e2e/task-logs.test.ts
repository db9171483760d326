import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../support/lifetime.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const system = await startSystem({ env: { WORKER_EXECUTORS: 'simulate,shell', TASK_PROCESS_TIME: '1' } })
const { sql } = system
await system.startWorker('w1')
const url = `http://127.0.0.1:${system.scheduler.port}`

const run = (command: string, more: object = {}) => system.submit({ command, executor: 'shell', ...more })
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n))

interface Line {
  id: string
  attempt: number
  seq: number
  at: string
  stream: string
  text: string
}
const linesOf = async (id: string, query = '') =>
  await system.get<{ lines: Line[]; next: string | null }>(`/api/tasks/${id}/logs${query}`)
const texts = (lines: Line[]) => lines.map(({ text }) => text)

/** Reads the stream of a task's lines to its end, or until it has so many. */
async function follow(id: string, { most = Number.POSITIVE_INFINITY, lastId = '' } = {}) {
  const headers: Record<string, string> = lastId ? { 'Last-Event-ID': lastId } : {}
  const abort = new AbortController()
  const response = await fetch(`${url}/api/tasks/${id}/logs/stream`, { headers, signal: abort.signal })
  const lines: Line[] = []
  let end: { state: string } | null = null
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    const messages = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = messages.pop() ?? ''
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1]
      if (data && message.startsWith('event: end')) end = JSON.parse(data)
      else if (data && message.startsWith('id: ')) lines.push(JSON.parse(data))
    }
    if (lines.length >= most) break
  }
  abort.abort()
  return { lines, end }
}

test('lines have their streams, and times that rise; both streams keep their order', async () => {
  const before = Date.now()
  const id = await run('echo one; echo two >&2; sleep 0.2; printf three; sleep 0.1; echo " and four"')
  await system.ended([id])
  const { lines, next } = await linesOf(id)
  expect(next).toBeNull()
  expect(lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)).toEqual([
    'one',
    'three and four',
  ])
  expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual(['two'])
  const times = lines.map(({ at }) => Date.parse(at))
  // The first may be read late, on a busy machine.
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(100)
  expect(times.at(-1)! - times[0]!).toBeLessThan(Date.now() - before)
  expect(times[0]!).toBeGreaterThan(before - 5000)
})

test('lines come while the task runs, page by page or as a stream that ends with it', async () => {
  const id = await run('for n in 1 2 3 4 5 6; do echo $n; sleep 0.15; done')
  const started = performance.now()
  const { lines: first } = await follow(id, { most: 1 })
  expect(performance.now() - started).toBeLessThan(900)
  // A line is stored before what was reported together with it.
  expect((await system.rows([id]))[0]?.state).toBeOneOf(['assigned', 'running'])
  const { lines, end } = await follow(id, { lastId: first[0]!.id })
  expect(texts([first[0]!, ...lines])).toEqual(numbers(1, 6).slice(0, first.length > 0 ? 6 : 0))
  expect(end).toMatchObject({ state: 'completed' })
  const page = await linesOf(id, '?limit=4')
  expect(texts(page.lines)).toEqual(numbers(1, 4))
  expect(texts((await linesOf(id, `?limit=4&after=${page.next}`)).lines)).toEqual(numbers(5, 6))
})

test('lines of every attempt are kept, and read in order', async () => {
  const id = await run('echo "attempt $TASKMASTER_ATTEMPT"; exit 1', { max_retries: 2, retry_backoff_ms: 1 })
  await system.ended([id])
  const { lines } = await linesOf(id)
  expect(lines.map(({ id, text }) => [id, text])).toEqual([
    ['1.1', 'attempt 1'],
    ['2.1', 'attempt 2'],
    ['3.1', 'attempt 3'],
  ])
})

test('no line is lost or doubled while coordinators are killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-logs-'))
  atEnd(() => rm(folder, { recursive: true }))
  const over = join(folder, 'over')
  const id = await run(`n=1; until [ -e ${over} ]; do echo $n; n=$((n+1)); sleep 0.02; done; echo end`)
  const following = follow(id)
  for (let kills = 0; kills < 3; kills++) {
    const { lines } = await linesOf(id)
    await waitFor(async () => (await linesOf(id)).lines.length > lines.length + 5, { what: 'more lines' })
    system.coordinator.kill('SIGKILL')
    await system.coordinator.exited
    await system.restartCoordinator()
  }
  await Bun.write(over, '')
  expect(await system.ended([id])).toMatchObject([{ state: 'completed', attempt: 1 }])
  const { lines: stored } = await linesOf(id)
  expect(texts(stored)).toEqual([...numbers(1, stored.length - 1), 'end'])
  const { lines, end } = await following
  expect(texts(lines)).toEqual(texts(stored))
  expect(end).toMatchObject({ state: 'completed' })
}, 60_000)

test('a flood is cut with a mark, keeps its beginning and its end, and holds nobody up', async () => {
  const flood = await run(
    'echo begin; yes 0123456789012345678901234567890123456789 | head -c 60000000; echo the end',
  )
  await waitFor(async () => (await linesOf(flood, '?limit=1')).lines.length, { what: 'the flood' })
  const started = performance.now()
  await system.ended(await system.burst(50))
  expect(performance.now() - started).toBeLessThan(5000)
  await system.ended([flood])
  const [row] = await sql<{ count: number; size: number; last: string }[]>`
    SELECT count(*) AS count, sum(length(text)) AS size, (array_agg(text ORDER BY seq DESC))[1] AS last
    FROM task_logs WHERE task_id = ${flood}`
  expect(row?.count).toBeLessThanOrEqual(10_001)
  expect(Number(row?.size)).toBeLessThan(1_048_576 + 100)
  expect(row?.last).toBe('… [truncated: more than 10000 lines and 1048576 characters]')
  const { output } = await system.get<{ output: string }>(`/tasks/${flood}`)
  expect(output.length).toBeLessThanOrEqual(65_536)
  const [head, mark, tail] = output.split(/\n(… .*)\n/)
  expect(head?.slice(0, 10)).toBe('begin\n0123')
  expect(mark).toMatch(/^… \[truncated, \d{8} characters left out\]$/)
  expect(tail?.slice(-10)).toMatch(/\dthe end\n$/)
}, 60_000)

test('a result that is too large is cut, and said to be', async () => {
  const large = await run(`printf '"%0300000d"' 7 > "$TASKMASTER_RESULT"`)
  await system.ended([large])
  const { result, output } = await system.get<{ result: string; output: string }>(`/tasks/${large}`)
  expect(result).toMatch(/^"0{100000,}… \[truncated, \d+ characters left out\]$/)
  expect(output).toBe('The result must be at most 262144 characters: it is kept as a text.\n')
})

test('lines go with their task', async () => {
  const id = await run('echo hello; exit 1')
  await system.ended([id])
  await system.post(`/api/tasks/${id}/discard`, {})
  expect(await sql`SELECT FROM task_logs WHERE task_id = ${id}`).toHaveLength(0)
  const response = await fetch(`${url}/api/tasks/${id}/logs`)
  expect(response.status).toBe(404)
  expect((await fetch(`${url}/api/tasks/${id}/logs/stream`)).status).toBe(404)
})

test('what is asked for wrongly is refused by name', async () => {
  const id = await run('true')
  for (const [query, error] of [
    ['?after=x', 'after must be the id of a line, such as 1.42'],
    ['?limit=0', 'limit must be a whole number from 1 to 1000'],
  ]) {
    const response = await fetch(`${url}/api/tasks/${id}/logs${query}`)
    expect([response.status, await response.json()]).toEqual([400, { error, code: 'invalid' }])
  }
})
