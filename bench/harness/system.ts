import { fileURLToPath } from 'node:url'
import { connect } from '../../src/shared/store/connect.ts'
import { POOL } from '../cluster.ts'
import { type System, startSystem } from '../system.ts'
import type { AdapterConfig } from './config.ts'

/**
 * A coordinator, a scheduler and a worker with their default settings, which make the tables themselves. Should this
 * process be killed, they are killed as well: the harness kills a replica as a whole.
 *
 * @param reports where the worker's threads report
 */
export async function startReplica(config: AdapterConfig, reports: string): Promise<System> {
  const settings = { ...config.database, ...POOL }
  const sql = connect({ ...settings, poolMax: 1 })
  const system = await startSystem(
    { sql, settings, stop: () => sql.end({ timeout: 1 }) },
    {
      workers: 1,
      worker: {
        WORKER_NAME: `replica-${config.instance}`,
        WORKER_POOL_SIZE: String(config.slots),
        WORKER_EXECUTORS: 'function',
        TASK_HANDLERS: fileURLToPath(new URL('./handler.ts', import.meta.url)),
        HARNESS_REPORTS: reports,
      },
    },
  )
  killWithThisProcess([...system.processes].map(({ pid }) => pid))
  return system
}

/** The services alone would stop in good order when their launcher is gone. */
function killWithThisProcess(pids: number[]) {
  const script = 'read -r _ || kill -KILL "$@" 2>/dev/null'
  Bun.spawn(['sh', '-c', script, 'sh', ...pids.map(String)], {
    detached: true,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  }).unref()
}
