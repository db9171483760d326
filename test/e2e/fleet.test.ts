import { beforeAll, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cli, isAlive, type Launcher, type Run, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

// One system for all of these: each leaves it running with whatever workers it has.
let folder: string
let launcher: Launcher
let taskmaster: (...args: string[]) => Promise<Run>

interface Task {
  state: string
  attempt: number
}

interface Worker {
  name: string
  pid: number
}

beforeAll(async () => {
  folder = await temporaryFolder()
  launcher = await startUp(folder)
  taskmaster = cli(launcher.url)
}, 60_000)

async function workers(): Promise<Worker[]> {
  const listed = (await (await fetch(`${launcher.url}/api/workers`)).json()) as Worker[]
  return listed.sort((a, b) => a.name.localeCompare(b.name))
}

async function namesBecome(...names: string[]): Promise<Worker[]> {
  return await waitFor(
    async () => {
      const listed = await workers()
      return (
        Bun.deepEquals(
          listed.map(({ name }) => name),
          names,
        ) && listed
      )
    },
    // Processes start and end as fast as the machine lets them.
    { what: `the workers to be ${names.join(', ')}`, timeoutMs: 30_000 },
  )
}

test('scaling up starts processes of the next free names, scaling down ends the newest', async () => {
  const before = await namesBecome('worker-1', 'worker-2', 'worker-3')
  expect(await taskmaster('scale', '5')).toMatchObject({ code: 0, out: 'Scaled to 5 workers\n' })
  const five = await namesBecome('worker-1', 'worker-2', 'worker-3', 'worker-4', 'worker-5')
  expect(five.slice(0, 3)).toMatchObject(before.map(({ pid }) => ({ pid })))
  expect(five.every(({ pid }) => isAlive(pid))).toBeTrue()

  expect((await taskmaster('scale', '2')).code).toBe(0)
  await namesBecome('worker-1', 'worker-2')
  await waitFor(() => !five.slice(2).some(({ pid }) => isAlive(pid)), {
    what: 'the drained processes to end',
  })
  expect(five.slice(0, 2).every(({ pid }) => isAlive(pid))).toBeTrue()

  expect((await taskmaster('scale', '3')).code).toBe(0)
  await namesBecome('worker-1', 'worker-2', 'worker-3')
})

test('a worker that is scaled away finishes what it runs', async () => {
  await taskmaster('scale', '3')
  await namesBecome('worker-1', 'worker-2', 'worker-3')
  const ids = await Promise.all(
    Array.from({ length: 15 }, async () => {
      const submitted = await taskmaster(
        'submit',
        '--cmd',
        'long',
        '--payload',
        '{"duration_ms":2000}',
        '--json',
      )
      return JSON.parse(submitted.out).task_id as string
    }),
  )
  await taskmaster('scale', '1')
  for (const id of ids) {
    const ended = await waitFor(
      async () => {
        const task = (await (await fetch(`${launcher.url}/tasks/${id}`)).json()) as Task
        return task.state === 'completed' && task
      },
      { what: `task ${id} to end` },
    )
    expect(ended.attempt).toBe(1)
  }
  await taskmaster('scale', '3')
  await namesBecome('worker-1', 'worker-2', 'worker-3')
})

test('kill ends exactly that process, and a new one of the same name takes its place', async () => {
  const before = await namesBecome('worker-1', 'worker-2', 'worker-3')
  expect(await taskmaster('kill', 'worker-2')).toMatchObject({ code: 0, out: 'Killed worker worker-2\n' })
  await waitFor(() => !isAlive(before[1]!.pid), { what: 'the process to be gone' })
  const after = await waitFor(
    async () => {
      const listed = await workers()
      return listed.length === 3 && listed[1]!.pid !== before[1]!.pid && listed
    },
    { what: 'another worker-2' },
  )
  expect(after.map(({ name }) => name)).toEqual(['worker-1', 'worker-2', 'worker-3'])
  expect([after[0]!.pid, after[2]!.pid]).toEqual([before[0]!.pid, before[2]!.pid])
})

test('kill refuses a worker that there is not', async () => {
  expect(await taskmaster('kill', 'worker-99')).toMatchObject({ code: 1, out: '' })
  expect(await workers()).toHaveLength(3)
})

test.each(['coordinator', 'scheduler'])(
  'a %s that is killed is started again where it was',
  async (service) => {
    const pid = async () => {
      const lines = (await readFile(join(folder, 'logs', `${service}.log`), 'utf8')).trimEnd().split('\n')
      return JSON.parse(lines.at(-1) as string).pid as number
    }
    const before = await pid()
    process.kill(before, 'SIGKILL')
    await waitFor(async () => (await pid()) !== before, { what: 'another process' })
    await waitFor(async () => (await fetch(`${launcher.url}/readyz`)).ok, {
      what: 'the system to be ready again',
    })
    await namesBecome('worker-1', 'worker-2', 'worker-3')
    expect((await taskmaster('submit', '--cmd', 'after', '--wait')).code).toBe(0)
  },
)

test('PostgreSQL that is killed is started again, and work goes on', async () => {
  const file = join(folder, 'data', 'postmaster.pid')
  const postmaster = async () => Number((await readFile(file, 'utf8')).split('\n')[0])
  const before = await postmaster()
  process.kill(before, 'SIGKILL')
  await waitFor(async () => (await postmaster()) !== before, { what: 'another server' })
  await waitFor(async () => (await fetch(`${launcher.url}/readyz`)).ok, {
    what: 'the system to be ready again',
  })
  expect((await taskmaster('submit', '--cmd', 'after', '--wait')).code).toBe(0)
})
