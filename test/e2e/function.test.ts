import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startService } from '../support/processes.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const TASK_HANDLERS = join(import.meta.dir, '..', 'support', 'task-handlers')
const system = await startSystem()
const worker = await system.startWorker('w1', { TASK_HANDLERS })

interface Outcome {
  state: string
  attempt: number
  failures: number
  error: string | null
  error_stack: string | null
  output: string | null
  result: unknown
  progress: number | null
}

const run = (command: string, payload: unknown = null, more: object = {}) =>
  system.submit({ command, executor: 'function', payload, ...more })
const outcome = (id: string) => system.get<Outcome>(`/tasks/${id}`)
async function ended(id: string): Promise<Outcome> {
  await system.ended([id])
  return await outcome(id)
}

const folder = mkdtempSync(join(tmpdir(), 'taskmaster-handlers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const write = (name: string, text: string) => Bun.write(join(folder, name), text)

/** Starts a worker that is to refuse its handlers, and returns what it says last. */
async function refusal(handlers: string): Promise<string> {
  const env = { TASK_HANDLERS: handlers, COORDINATOR_ADDRESS: system.address }
  const refused = await startService('worker', env, { untilReady: false })
  expect(await refused.exited).toBe(1)
  return String(refused.logs.at(-1)?.msg)
}

test('a worker says which handlers it has', async () => {
  const [one] = await system.get<{ executors: string[] }[]>('/api/workers')
  expect(one?.executors.sort()).toEqual([
    ...[
      'function:broken',
      'function:busy',
      'function:greet',
      'function:hopeless',
      'function:odd',
      'function:slow',
    ],
    ...['http', 'simulate'],
  ])
})

test('a handler is given its input, and what it returns, says and prints is kept', async () => {
  const id = await run('greet', { name: 'Ada' })
  expect(await ended(id)).toMatchObject({
    state: 'completed',
    result: { greeting: 'Hello, Ada', attempt: 1, taskId: id, parents: {} },
    output: `hello Ada\noh\n${id}#1\n`,
    progress: 0.25,
  })
  const { lines } = await system.get<{ lines: { stream: string; text: string }[] }>(`/api/tasks/${id}/logs`)
  expect(lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual([
    'stdout hello Ada',
    'stderr oh',
    `log ${id}#1`,
  ])
})

test('input that its schema refuses fails the task at once, with the place of the fault', async () => {
  const id = await run('greet', { name: 'Ada', nested: { ages: [1, 'two'] } }, { max_retries: 5 })
  const { state, attempt, error } = await ended(id)
  expect({ state, attempt }).toEqual({ state: 'failed', attempt: 1 })
  expect(error).toStartWith('input.nested.ages[1]: ')
})

test('what a handler throws is its error, with the stack, and is tried again', async () => {
  const { error, error_stack, failures } = await ended(
    await run('broken', null, { max_retries: 1, retry_backoff_ms: 1 }),
  )
  expect({ error, failures }).toEqual({ error: 'nothing works', failures: 2 })
  expect(error_stack).toContain('RangeError: nothing works')
  expect(error_stack).toContain('task-handlers/good.ts:')
})

test('what is thrown as unretryable is not tried again', async () => {
  expect(await ended(await run('hopeless', null, { max_retries: 5 }))).toMatchObject({
    ...{ state: 'failed', failures: 1, error: 'never will' },
  })
})

test('a whole number beyond those of JavaScript keeps its digits in a result', async () => {
  expect(await ended(await run('odd'))).toMatchObject({ state: 'completed', result: { at: 1 } })
})

test('a handler that runs shows its progress and what it says, and stops when it is cancelled', async () => {
  const id = await run('slow')
  const progress = await waitFor(async () => (await outcome(id)).progress, { what: 'progress' })
  expect(progress).toBeGreaterThan(0)
  const later = async () => ((await outcome(id)).progress ?? 0) > progress
  await waitFor(later, { what: 'more progress' })
  const { lines } = await system.get<{ lines: { text: string }[] }>(`/api/tasks/${id}/logs`)
  expect(lines[0]?.text).toBe('step 1')
  await system.post(`/api/tasks/${id}/cancel`, {})
  expect((await ended(id)).state).toBe('cancelled')
})

test('a handler that never yields is ended with its thread, and what it said before is kept', async () => {
  const id = await run('busy', null, { timeout_ms: 300, cancel_grace_ms: 50 })
  expect(await ended(id)).toMatchObject({ state: 'failed', error: 'timed out after 300 ms' })
  const { lines } = await system.get<{ lines: { text: string }[] }>(`/api/tasks/${id}/logs`)
  expect(lines.map(({ text }) => text)).toEqual(['busy'])
})

test('a command that can be no handler is refused when it is submitted', async () => {
  expect(run('no such; thing')).rejects.toThrow('command must be the name of a handler')
})

test('a worker whose handlers do not load says which file it is, and ends', async () => {
  await write('broken.ts', 'export const x = ;')
  expect(await refusal(folder)).toContain(`Could not load the handlers: ${join(folder, 'broken.ts')}: `)
  await write('broken.ts', "throw new Error('not today')")
  expect(await refusal(folder)).toEndWith('broken.ts: not today')
  await write('broken.ts', 'export const nothing = 1')
  expect(await refusal(folder)).toEndWith('no file there exports a task made by defineTask')
  expect(await refusal(join(folder, 'nowhere'))).toEndWith('there is no such file or folder')
})

test('handlers that lie anywhere may import taskmaster/task, and two may not have one name', async () => {
  const text =
    "import { defineTask } from 'taskmaster/task'\nexport default defineTask({ name: 'far', run: () => 'away' })"
  await write('broken.ts', text)
  const far = await system.startWorker('far', { TASK_HANDLERS: folder })
  expect((await ended(await run('far'))).result).toBe('away')
  await far.stop()
  await write('other.ts', text)
  expect(await refusal(folder)).toContain('the task far is defined in')
})

test('nothing that handlers print is in the log of their worker', () => {
  expect(worker.logs.filter(({ level }) => level === 'raw')).toEqual([])
})
