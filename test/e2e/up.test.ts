import { expect, test } from 'bun:test'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../../src/cli/up/ports.ts'
import { isAlive, type Launcher, run, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

const UP = 'src/cli/up.ts'

interface Task {
  task_id: string
  state: string
  command: string
}

async function get<T>(launcher: Launcher, path: string): Promise<T> {
  return (await (await fetch(`${launcher.url}${path}`)).json()) as T
}

async function submit(launcher: Launcher, path: string, body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' }
  return await fetch(`${launcher.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** The workers, and the server whose data is in the folder. */
async function pidsOf(launcher: Launcher, folder: string): Promise<number[]> {
  const workers = await get<{ pid: number }[]>(launcher, '/api/workers')
  const postmaster = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  return [postmaster, ...workers.map(({ pid }) => pid)]
}

test('Ctrl-C stops everything and loses nothing, and a second start continues', async () => {
  const folder = await temporaryFolder()
  const first = await startUp(folder)
  await submit(first, '/api/schedule/batch', { command: 'work', count: 60 })
  await submit(first, '/api/schedule', { command: 'later', scheduled_at: '2099-01-01T00:00:00Z' })
  await waitFor(
    async () => (await get<{ completed_tasks: number }>(first, '/api/stats')).completed_tasks > 0,
    {
      what: 'the first task to end',
    },
  )
  const pids = await pidsOf(first, folder)
  expect(pids).toHaveLength(4)

  // What the README says of psql.
  const address = (await readFile(join(folder, 'database-url'), 'utf8')).trim()
  const sql = new Bun.SQL(address)
  expect(await sql`SELECT count(*)::int AS count FROM tasks`.then(([row]) => row)).toEqual({ count: 61 })
  await sql.close()

  expect(await first.interrupt()).toBe(0)
  expect(pids.filter(isAlive)).toEqual([])
  await expect(fetch(first.url)).rejects.toThrow()
  expect(first.lines.at(-1)).toEndWith('Stopped')

  const second = await startUp(folder)
  const tasks = await waitFor(
    async () => {
      const all = await get<Task[]>(second, '/api/tasks')
      return all.filter(({ state }) => state === 'completed').length === 60 && all
    },
    { what: 'the tasks of the first run to end in the second' },
  )
  expect(tasks.filter(({ state }) => state !== 'completed')).toMatchObject([
    { command: 'later', state: 'pending' },
  ])
  expect(await second.interrupt()).toBe(0)
})

test('Ctrl-C once more does not wait for what runs, which runs again next time', async () => {
  const folder = await temporaryFolder()
  const first = await startUp(folder, { TASK_PROCESS_TIME: '60000', WORKERS: '1' })
  await submit(first, '/tasks', { command: 'long' })
  await waitFor(async () => (await get<{ running_tasks: number }>(first, '/api/stats')).running_tasks === 1, {
    what: 'the task to run',
  })
  let code: number | null = null
  first.process.exited.then((ended) => {
    code = ended
  })
  // Asked again and again, because what comes within a second counts as the same Ctrl-C.
  await waitFor(
    () => {
      first.process.kill('SIGINT')
      return code !== null
    },
    { what: 'the launcher to end' },
  )
  expect(code as number | null).toBe(0)

  const second = await startUp(folder, { WORKERS: '1' })
  const [task] = await get<{ task_id: string }[]>(second, '/api/tasks')
  const ended = await waitFor(
    async () => {
      const found = await get<Task & { attempt: number }>(second, `/tasks/${task?.task_id}`)
      return found.state === 'completed' && found
    },
    { what: 'the task to run again' },
  )
  expect(ended.attempt).toBe(2)
  expect(await second.interrupt()).toBe(0)
})

test('what a killed launcher started ends by itself, and the next start continues', async () => {
  const folder = await temporaryFolder()
  // The same ports both times, as they are by default: workers that still have something to report look there.
  const [scheduler, coordinator] = await Promise.all([freePort('127.0.0.1'), freePort('127.0.0.1')])
  const ports = { SCHEDULER_PORT: String(scheduler), COORDINATOR_PORT: String(coordinator) }
  // What a worker was sent while it stopped is found by its lease: 1.5 s.
  const env = { ...ports, HEARTBEAT_INTERVAL: '500' }
  const first = await startUp(folder, env)
  await submit(first, '/api/schedule/batch', { command: 'work', count: 40 })
  const pids = await pidsOf(first, folder)
  first.process.kill('SIGKILL')
  await first.process.exited

  const second = await startUp(folder, env)
  await waitFor(
    async () => (await get<{ completed_tasks: number }>(second, '/api/stats')).completed_tasks === 40,
    {
      what: 'the tasks of the killed run to end',
      timeoutMs: 20_000,
    },
  )
  await waitFor(() => !pids.some(isAlive), { what: 'the processes of the killed run to end' })
  expect(await second.interrupt()).toBe(0)
})

test('a second launcher on the same folder is refused with one line that names the first', async () => {
  const folder = await temporaryFolder()
  const first = await startUp(folder, { WORKERS: '1' })
  const { code, out, err } = await run(UP, ['--folder', folder])
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toBe(
    `Error: TaskMaster already runs on ${folder} (in use by process ${first.process.pid}). ` +
      'Stop that, or choose another folder: bun run up --folder <path>\n',
  )
  expect(await first.interrupt()).toBe(0)
})

test.each(['scheduler', 'coordinator'])(
  'a taken %s port is refused with one line that names the flag',
  async (service) => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const { code, out, err } = await run(UP, [
      '--folder',
      await temporaryFolder(),
      `--${service}-port`,
      String(port),
    ])
    taken.close()
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toBe(
      `Error: port ${port} is taken by another program. ` +
        `Stop that, or choose another port: bun run up --${service}-port <number>\n`,
    )
  },
)

test('a host of another machine is refused with one line that names the flag', async () => {
  const { code, err } = await run(UP, ['--folder', await temporaryFolder(), '--scheduler-host', '192.0.2.1'])
  expect(code).toBe(1)
  expect(err).toMatch(
    /^Error: this machine cannot listen on the host 192\.0\.2\.1 .*--scheduler-host <address>\n$/,
  )
})

test('a folder that cannot be written is refused with one line that names the flag', async () => {
  const folder = await temporaryFolder()
  await Bun.write(join(folder, 'file'), '')
  const { code, out, err } = await run(UP, ['--folder', join(folder, 'file', 'state')])
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toMatch(/^Error: cannot write to the folder .*: bun run up --folder <path>\n$/)
})

test('wrong settings are refused with one line that names them', async () => {
  const { code, err } = await run(UP, ['--scheduler-port', 'abc', '--workers', 'many'])
  expect(code).toBe(1)
  expect(err).toMatch(/^Error: Wrong settings: WORKERS .*; SCHEDULER_PORT .*\n$/)
})

test('a service that cannot start is named with its reason, and nothing is left running', async () => {
  const folder = await temporaryFolder()
  const { code, err } = await run(UP, ['--folder', folder, '--heartbeat-interval', 'soon'])
  expect(code).toBe(1)
  expect(err).toMatch(/^Error: the coordinator ended at once: Wrong settings: HEARTBEAT_INTERVAL .*\n$/)
  await mkdir(join(folder, 'data', 'probe'))
  expect(await Bun.file(join(folder, 'data', 'postmaster.pid')).exists()).toBeFalse()
})
