import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { startSystem } from '../../support/system.ts'

const asked: { method: string; body: string; length: string | null }[] = []
const ROCKET = '😀'
const ANSWERS: Record<string, [type: string, body: string]> = {
  '/emoji': ['text/plain', `a${ROCKET.repeat(300_000)}`],
  '/emoji-kept': ['text/plain', `a${ROCKET.repeat(40_000)}`],
  '/nul': ['application/json', '{"a":"x\\u0000y"}'],
  '/surrogate': ['application/json', '{"a":"x\\ud83dy"}'],
  '/raw-nul': ['text/plain', 'x\0y'],
  '/deep': ['application/json', `${'['.repeat(500)}${']'.repeat(500)}`],
  '/range': ['application/json', '{"n":1e999}'],
  '/broken': ['application/json', '{"a":'],
  '/number': ['application/json', '{"id": 9007199254740993, "ratio": 0.1234567890123456789}'],
  '/large': ['application/json', JSON.stringify('é'.repeat(100_000))],
}
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { method, headers } = request
    asked.push({ method, body: await request.text(), length: headers.get('content-length') })
    const [type, body] = ANSWERS[new URL(request.url).pathname] ?? ['text/plain', 'ok']
    return new Response(body, { headers: { 'Content-Type': type } })
  },
})
afterAll(() => server.stop(true))
const url = `http://127.0.0.1:${server.port}`

const system = await startSystem()
await system.startWorker('w1', {
  HTTP_ALLOW_PRIVATE: '127.0.0.0/8',
  WORKER_EXECUTORS: 'http,shell,function',
  TASK_HANDLERS: join(import.meta.dir, '..', '..', 'support', 'content-handlers'),
})

interface Outcome {
  state: string
  error: string | null
  attempt: number
  output: string | null
  result: unknown
}
async function ended(task: Record<string, unknown>): Promise<Outcome & { id: string }> {
  const id = await system.submit(task)
  await system.ended([id])
  return { id, ...(await system.get<Outcome>(`/tasks/${id}`)) }
}
const shell = (command: string) => ended({ command, executor: 'shell' })
const give = (payload: string) => ended({ command: 'give', executor: 'function', payload })
async function linesOf(id: string): Promise<string[]> {
  const { lines } = await system.get<{ lines: { text: string }[] }>(`/api/tasks/${id}/logs`)
  return lines.map(({ text }) => text)
}

test('what a server answers never decides whether the call succeeded, and no call is made twice', async () => {
  const paths = Object.keys(ANSWERS)
  asked.length = 0
  const outcomes = await Promise.all(
    paths.map((path) =>
      ended({ command: url + path, executor: 'http', payload: { method: 'POST' }, max_retries: 2 }),
    ),
  )
  expect(outcomes.map(({ state, attempt, error }) => [state, attempt, error])).toEqual(
    paths.map(() => ['completed', 1, null]),
  )
  expect(asked).toHaveLength(paths.length)
  const bodyOf = (path: string) => (outcomes[paths.indexOf(path)]!.result as { body: unknown }).body
  expect(bodyOf('/emoji')).toMatch(/^a(😀)+… \[truncated, more than 1048576 bytes\]$/)
  expect(bodyOf('/emoji-kept')).toMatch(/^a(😀)+… \[truncated, \d+ characters left out\]$/)
  for (const path of ['/nul', '/surrogate', '/deep', '/range', '/broken'])
    expect({ path, body: bodyOf(path) }).toEqual({ path, body: ANSWERS[path]?.[1] })
  expect(bodyOf('/raw-nul')).toBe('x\ufffdy')
  expect(bodyOf('/large')).toStartWith('"éé')
})

test('a body goes with every method that takes one, as long as it says to be', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    asked.length = 0
    const { state } = await ended({ command: url, executor: 'http', payload: { method, body: { é: 1 } } })
    expect({ state, asked }).toEqual({
      state: 'completed',
      asked: [{ method, body: '{"é":1}', length: '8' }],
    })
  }
  for (const method of ['GET', 'HEAD']) {
    const response = await fetch(`http://127.0.0.1:${system.scheduler.port}/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        command: url,
        executor: 'http',
        payload: { method, body: 'x' },
      }),
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: `payload.body cannot be sent with ${method}, which has no body`, code: 'invalid' },
    ])
  }
})

test('a result that cannot be stored as it is completes its task, and is kept as a text that says why', async () => {
  const UNSTORABLE =
    'The result must not contain NUL characters or unpaired surrogates: it is kept as a text.\n'
  const deep = `${'['.repeat(200)}${']'.repeat(200)}`
  for (const [name, result, output] of [
    ['nul', '{"a":"x\\u0000y"}', UNSTORABLE],
    ['surrogate', '{"a":"x\\ud83dy"}', UNSTORABLE],
    ['deep', deep, 'The result must not be nested deeper than 100 levels: it is kept as a text.\n'],
    ['large', expect.stringMatching(/^"é{100000,}… \[truncated/), expect.stringContaining('at most 262144')],
    ['cyclic', expect.stringContaining('[Circular'), expect.stringContaining('it is kept as a text')],
    [
      'nan',
      '{ ratio: NaN }',
      'The result must not contain numbers that are out of range: it is kept as a text.\n',
    ],
    ['function', '{ run: [Function: run] }', 'The result must be JSON: it is kept as a text.\n'],
    ['absent', { a: 1 }, null],
  ] as const) {
    const found = await give(name)
    expect({ name, state: found.state, result: found.result, output: found.output }).toEqual({
      ...{ name, state: 'completed', result: result as never, output: output as never },
    })
  }
  for (const [written, result] of [
    ['"a\\u0000b"', '"a\\u0000b"'],
    ['{"a": ', '{"a": '],
    ['1e999', '1e+999'],
  ]) {
    const found = await shell(`printf '%s' '${written}' > "$TASKMASTER_RESULT"`)
    expect([found.state, found.result]).toEqual(['completed', result === '1e+999' ? '1e999' : result])
  }
})

test('what cannot be stored of lines and errors is replaced, and hinders nothing', async () => {
  const { id, state, error } = await ended({ command: 'say', executor: 'function' })
  expect([state, error]).toEqual(['failed', 'broken\ufffd \ufffd'])
  expect(await linesOf(id)).toEqual(['a\ufffdb \ufffd c', 'd\ufffde \ufffd f'])
  const printed = await shell(`printf 'a\\0b\\n\\377c\\n'`)
  expect(await linesOf(printed.id)).toEqual(['a\ufffdb', '\ufffdc'])
})

test('a long line is cut between characters', async () => {
  const printed = await shell(`printf '%08191d😀yyyyyyyyyy\\n' 0; printf '😀yyyy\\n' >&2`)
  const lines = await linesOf(printed.id)
  expect(lines.toSorted()).toEqual(['0'.repeat(8191), '😀yyyy', '😀yyyyyyyyyy'].toSorted())
})

test('a line whose parts come apart in time is one line', async () => {
  const { id } = await shell('printf abc; sleep 1; echo; printf d; sleep 0.7; echo ef; printf g')
  expect(await linesOf(id)).toEqual(['abc', 'def', 'g'])
})

test('a number keeps its digits from a result to all that read it', async () => {
  const BIG = '9007199254740993'
  const rawOf = async (id: string) =>
    await (await fetch(`http://127.0.0.1:${system.scheduler.port}/tasks/${id}`)).text()
  const parents = await Promise.all([
    ended({ command: `${url}/number`, executor: 'http' }),
    shell(`echo '{"id": ${BIG}}' > "$TASKMASTER_RESULT"`),
    give('bigint'),
  ])
  for (const { id } of parents) expect(await rawOf(id)).toContain(`"id":${BIG}`)
  expect(await rawOf(parents[0]!.id)).toContain('"ratio":0.1234567890123456789')

  const depends_on = [parents[1]!.id]
  const inShell = await ended({ command: 'echo "$TASKMASTER_PARENTS"', executor: 'shell', depends_on })
  expect(inShell.output).toContain(`"id":${BIG}`)
  asked.length = 0
  const payload = { method: 'POST', send_parents: true }
  await ended({ command: url, executor: 'http', payload, depends_on })
  expect(asked[0]?.body).toContain(`"id":${BIG}`)
  const inHandler = await ended({ command: 'parents', executor: 'function', depends_on })
  expect(inHandler.result).toEqual([{ id: BIG }])
})

test('the command line shows every digit, and passes on which number of a payload cannot be kept', async () => {
  const { id } = await give('bigint')
  const server = `http://127.0.0.1:${system.scheduler.port}`
  const cli = async (...args: string[]) => {
    const child = Bun.spawn([process.execPath, 'src/cli/main.ts', ...args, '--server', server], {
      ...{ stdout: 'pipe', stderr: 'pipe', cwd: join(import.meta.dir, '..', '..', '..') },
    })
    return (await new Response(child.stdout).text()) + (await new Response(child.stderr).text())
  }
  expect(await cli('status', id)).toContain('{"id":9007199254740993}')
  expect(await cli('submit', '--cmd', 'x', '--payload', '{"a":{"id":9007199254740993}}')).toContain(
    'payload.a.id: 9007199254740993 cannot be represented exactly; send it as a string',
  )
})
