import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'taskmaster-zombie-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const isAlive = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test('a command of a worker that was frozen past its lease is killed when the worker thaws, and what it says is refused', async () => {
  const system = await startSystem({
    env: { HEARTBEAT_INTERVAL: '200', WORKER_EXECUTORS: 'shell', RECONNECT_WINDOW: '100' },
  })
  const file = join(folder, 'pids')
  const zombie = await system.startWorker('zombie')
  // The second attempt ends by itself; the first never would, and says something every moment.
  const command = `echo $$ >> ${file}; echo "attempt $TASKMASTER_ATTEMPT"
    [ "$TASKMASTER_ATTEMPT" = 2 ] && { sleep 3; exit 0; }
    trap '' TERM; while :; do echo tick; sleep 0.05; done`
  const id = await system.submit({ command, executor: 'shell' })
  const pids = () => readFileSync(file, 'utf8').trim().split('\n').map(Number)
  await waitFor(() => pids().length === 1, { what: 'the first attempt' })
  zombie.kill('SIGSTOP')
  await system.startWorker('other')
  await waitFor(() => pids().length === 2, { what: 'the second attempt', timeoutMs: 20_000 })
  const [first = 0] = pids()
  expect(isAlive(first)).toBe(true)
  zombie.kill('SIGCONT')
  await waitFor(() => !isAlive(first), { what: 'the first attempt to be killed' })
  expect(await system.ended([id])).toMatchObject([{ state: 'completed', attempt: 2 }])
  const { lines } = await system.get<{ lines: { attempt: number; text: string }[] }>(`/api/tasks/${id}/logs`)
  expect(lines.filter(({ attempt }) => attempt === 2).map(({ text }) => text)).toEqual(['attempt 2'])
  expect(lines.some(({ attempt }) => attempt > 2)).toBe(false)
}, 60_000)
