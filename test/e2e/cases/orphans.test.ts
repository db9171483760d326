import { afterAll, expect, test } from 'bun:test'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive, temporaryFolder } from '../../support/up.ts'
import { waitFor } from '../../support/wait.ts'

const ROOT = join(import.meta.dir, '..', '..', '..')
const ENV = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TASK_PROCESS_TIME: '50' }
const FLAGS = '--scheduler-port 0 --coordinator-port 0 --workers 1'
const PATIENT = { timeoutMs: 50_000 }

/** As npx does it: a shell for the command; SIGTERM ends both, and nobody tells what the shell started. */
const NPX = `
const child = Bun.spawn(['sh', '-c', process.argv[2]], { stdio: ['ignore', 'inherit', 'inherit'] })
process.on('SIGTERM', () => { child.kill('SIGTERM'); process.exit(143) })
await child.exited`

const launchers = new Set<number>()

/** The system that runs on a folder, once it has said where it is. */
async function running(folder: string, log: string) {
  const url = await waitFor(
    async () => {
      const text = await readFile(log, 'utf8')
      return text.includes('Press Ctrl-C') && /http:\S+/.exec(text)?.[0]
    },
    { what: 'the system to start', ...PATIENT },
  )
  const pid = async (file: string) => Number((await readFile(join(folder, file), 'utf8')).split('\n')[0])
  const launcher = await pid('up.lock.pid')
  launchers.add(launcher)
  const workers = (await (await fetch(`${url}/api/workers`)).json()) as { pid: number }[]
  // One of the run before may be listed until its lease ends.
  const own = workers.map((worker) => worker.pid).filter(isAlive)
  const pids = [launcher, await pid('data/postmaster.pid'), ...own]
  return { url, launcher, pids, text: () => readFile(log, 'utf8') }
}

const parentOf = async (pid: number) =>
  Number((await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')[1])
const gone = (pids: number[]) => waitFor(() => !pids.some(isAlive), { what: `${pids} to end`, ...PATIENT })

test.skipIf(process.platform !== 'linux')(
  'a system ends with npx that is told to end, in order, and one that outlives its shell ends with bun run that is killed',
  async () => {
    const folder = await temporaryFolder()
    const bin = join(folder, 'bin')
    await mkdir(bin)
    await symlink(process.execPath, join(bin, 'npx'))
    await Bun.write(join(bin, 'npx.ts'), NPX)
    const command = `'${process.execPath}' run up --folder '${folder}' ${FLAGS}`

    const log = join(folder, 'first.log')
    const npx = Bun.spawn([join(bin, 'npx'), join(bin, 'npx.ts'), command], {
      ...{ cwd: ROOT, env: ENV, stdin: 'ignore', stdout: Bun.file(log), stderr: Bun.file(log) },
    })
    const first = await running(folder, log)
    expect(first.pids.filter(isAlive)).toHaveLength(3)
    npx.kill('SIGTERM')
    await gone(first.pids)
    expect(await first.text()).toMatch(/What ran this has ended \(.*\); stopping too\n(.*\n)*.*Stopped\n$/)

    // The shell is gone at once, and so is what nohup and setsid are for.
    const later = join(folder, 'second.log')
    const shell = Bun.spawn(['sh', '-c', `setsid nohup ${command} >'${later}' 2>&1 &`], {
      cwd: ROOT,
      env: ENV,
    })
    await shell.exited
    const second = await running(folder, later)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ command: 'x', delay_seconds: 2 })
    const sent = await fetch(`${second.url}/tasks`, { method: 'POST', headers, body })
    const { task_id } = (await sent.json()) as { task_id: string }
    await waitFor(
      async () =>
        ((await (await fetch(`${second.url}/tasks/${task_id}`)).json()) as { state: string }).state ===
        'completed',
      { what: 'a task two seconds later', ...PATIENT },
    )
    expect(second.pids.filter(isAlive)).toEqual(second.pids)
    process.kill(await parentOf(second.launcher), 'SIGKILL')
    await gone(second.pids)
  },
  120_000,
)

afterAll(() => {
  for (const pid of launchers) if (isAlive(pid)) process.kill(pid, 'SIGTERM')
})
