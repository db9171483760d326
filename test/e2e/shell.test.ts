import { afterAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'taskmaster-shell-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = { DATABASE_URL: 'postgres://me:secret@nowhere/db', SECRET_TOKEN: 'secret' }
const system = await startSystem()
const startWorker = (name: string) =>
  system.startWorker(name, { WORKER_EXECUTORS: 'simulate,shell', DRAIN_TIMEOUT: '2000', ...secret })
await startWorker('w1')

interface Outcome {
  state: string
  error: string | null
  output: string | null
  result: unknown
  error_stack: string | null
}

const run = (command: string, more: object = {}) => system.submit({ command, executor: 'shell', ...more })
const outcome = (id: string) => system.get<Outcome>(`/tasks/${id}`)
async function ended(id: string): Promise<Outcome> {
  await system.ended([id])
  return await outcome(id)
}

/** A command whose whole tree says its ids in a file, and which goes on for ever. */
const tree = (file: string, trap = '') =>
  `${trap} (sleep 600 & echo $! >> ${file}; wait) & echo $$ >> ${file}; echo $! >> ${file}; wait; sleep 600`

/** The ids in that file once there are three. */
const pidsIn = (file: string) =>
  waitFor(
    () => {
      const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number)
      return pids.length === 3 && pids
    },
    { what: 'the tree to be there' },
  )

function lives(pid: number): boolean {
  try {
    // A process that ended and that nobody has asked about is dead too.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
const isGone = (pids: number[]) =>
  waitFor(() => !pids.some(lives), { what: `${pids} to be gone`, timeoutMs: 5000 })

test('a command runs in a folder and an environment of its own, and what it prints is kept', async () => {
  const id = await run(
    'echo "$PWD"; echo "$HOME"; echo oh >&2; env; echo \'{"rows": 3}\' > "$TASKMASTER_RESULT"',
    {
      payload: { env: { GREETING: 'hello there' } },
    },
  )
  const { state, output, result } = await ended(id)
  expect(state).toBe('completed')
  expect(result).toEqual({ rows: 3 })
  const text = output ?? ''
  expect(text).toContain('oh\n')
  expect(text).toContain('GREETING=hello there\n')
  expect(text).toContain(`TASKMASTER_TASK_ID=${id}\nTASKMASTER_ATTEMPT=1\n`.split('\n')[0] as string)
  const [cwd, home] = text.split('\n').filter((line) => /^\/.*taskmaster-\w+$/.test(line))
  expect(home).toBe(cwd as string)
  expect(existsSync(cwd as string)).toBe(false)
  const names = [...text.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)
  expect(
    names.filter((name) => !/^(PATH|HOME|LANG|PWD|OLDPWD|SHLVL|_|GREETING|TASKMASTER_\w+)$/.test(name ?? '')),
  ).toEqual([])
  expect(text).not.toContain('secret')
})

test('another exit code than 0 is a failure, and is retried like any', async () => {
  const id = await run('echo said before; exit 7', { max_retries: 1, retry_backoff_ms: 1 })
  expect(await ended(id)).toMatchObject({
    state: 'failed',
    error: 'exited with code 7',
    output: 'said before\n',
    failures: 2,
    error_stack: null,
  })
})

test('a result that is no JSON is kept as a text', async () => {
  const { state, result, output } = await ended(await run('printf nonsense > "$TASKMASTER_RESULT"'))
  expect([state, result]).toEqual(['completed', 'nonsense'])
  expect(output).toStartWith('The result in TASKMASTER_RESULT is not JSON, and is kept as a text')
})

test('limits that cannot be applied are said not to be, and the command runs', async () => {
  const id = await run('echo done', { payload: { memory_mb: 64, cpus: 0.5 } })
  expect((await ended(id)).state).toBe('completed')
  const { lines } = await system.get<{ lines: { stream: string; text: string }[] }>(`/api/tasks/${id}/logs`)
  const said = lines.filter(({ stream }) => stream === 'log').map(({ text }) => text)
  // On a machine where the worker may make a cgroup, there is nothing to say.
  if (said.length > 0) expect(said).toEqual([expect.stringContaining('memory_mb and cpus are not applied')])
})

test('a cancelled command is told to stop with all that it started', async () => {
  const file = join(folder, 'cancel')
  const id = await run(tree(file, `trap 'echo stopping; exit 1' TERM;`))
  const pids = await pidsIn(file)
  await system.post(`/api/tasks/${id}/cancel`, {})
  expect(await ended(id)).toMatchObject({ state: 'cancelled', output: 'stopping\n' })
  await isGone(pids)
})

test('a command that ignores its timeout is killed with all that it started, and what it said is kept', async () => {
  const file = join(folder, 'timeout')
  const id = await run(tree(file, `trap '' TERM; echo here;`), { timeout_ms: 800, cancel_grace_ms: 300 })
  const pids = await pidsIn(file)
  expect(await ended(id)).toMatchObject({
    state: 'failed',
    error: 'timed out after 800 ms',
    output: 'here\n',
  })
  await isGone(pids)
})

test('what a command leaves behind ends with it', async () => {
  const file = join(folder, 'left')
  const id = await run(
    `sleep 600 & echo $! > ${file}; sleep 601 > /dev/null 2>&1 & echo $! >> ${file}; echo $$ >> ${file}`,
  )
  const pids = await pidsIn(file)
  expect((await ended(id)).state).toBe('completed')
  await isGone(pids)
})

test('a command dies with its worker, and runs again on another', async () => {
  const [one, two] = [join(folder, 'worker-1'), join(folder, 'worker-2')]
  const commands = [one, two].map((file) => tree(file, `trap '' TERM; [ -s ${file} ] && exit 0;`))
  const ids = await Promise.all(commands.map((command) => run(command)))
  const pids = (await Promise.all([one, two].map(pidsIn))).flat()
  system.workers.get('w1')?.kill('SIGKILL')
  await isGone(pids)
  await startWorker('w2')
  expect(await system.ended(ids)).toMatchObject([
    { state: 'completed', attempt: 2 },
    { state: 'completed', attempt: 2 },
  ])
})

test('a worker that stops takes its commands with it when they do not end in time', async () => {
  const file = join(folder, 'stop')
  const id = await run(tree(file, `trap '' TERM;`))
  const pids = await pidsIn(file)
  await system.workers.get('w2')?.stop()
  await isGone(pids)
  await system.post(`/api/tasks/${id}/cancel`, {})
})

test('a worker that was not told to runs no shell', async () => {
  await system.startWorker('w3')
  const workers = await system.get<{ name: string; executors: string[] }[]>('/api/workers')
  expect(workers.find(({ name }) => name === 'w3')?.executors).toEqual(['simulate', 'http'])
})
