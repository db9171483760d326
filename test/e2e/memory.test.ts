import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { FULL_SPEED } from '../support/processes.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

const TASKS = 20_000

/**
 * The most anonymous memory that a process may have, in MiB: what is its own, without the pages of Bun that all processes share.
 * They took 58–65, 52–56 and 63–67; a coordinator whose heap may grow as far as it likes takes 80–87.
 */
const BOUNDS = { coordinator: 75, scheduler: 75, worker: 78 }

/** Resident memory without pages of files, in MiB. */
async function anonymousMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)![1]) / 1024
}

test.if(process.platform === 'linux')(
  'twenty thousand tasks are submitted and run in bounded memory',
  async () => {
    const system = await startSystem({ workers: ['w'], env: { ...FULL_SPEED, TASK_PROCESS_TIME: '0' } })
    const pids = {
      coordinator: system.coordinator.pid,
      scheduler: system.scheduler.pid,
      worker: system.workers.get('w')!.pid,
    }
    const largest = { coordinator: 0, scheduler: 0, worker: 0 }
    const look = async () => {
      for (const [name, pid] of Object.entries(pids) as [keyof typeof pids, number][])
        largest[name] = Math.max(largest[name], await anonymousMib(pid))
    }
    await system.burst(TASKS)
    await waitFor(
      async () => {
        await look()
        const [row] = await system.sql<{ open: number }[]>`
          SELECT (SELECT count(*) FROM ready)::int + (SELECT count(*) FROM held)::int AS open`
        if (row!.open === 0) return true
        throw new Error(`${row!.open} tasks have not ended`)
      },
      { what: 'all tasks to end', timeoutMs: 60_000 },
    )
    console.log(`largest, MiB: ${Bun.inspect(largest)}`)
    const tooLarge = Object.entries(BOUNDS).filter(
      ([name, bound]) => largest[name as keyof typeof pids] > bound,
    )
    expect(tooLarge).toEqual([])
  },
  90_000,
)
