import { Logger, makeWorkerUtils, type Runner, type RunnerOptions, run } from 'graphile-worker'
import postgres from 'postgres'
import { connectionString, type Peer, type PeerSettings } from './peer.ts'

const TASK = 'bench'

/** As its page on performance has it. */
const BEST = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

export async function openGraphileWorker(settings: PeerSettings, mode: 'best' | 'defaults'): Promise<Peer> {
  const shared = { connectionString: connectionString(settings), logger: new Logger(() => () => {}) }
  const options: RunnerOptions =
    mode === 'best'
      ? { logger: shared.logger, preset: { worker: { ...BEST, connectionString: shared.connectionString } } }
      : shared
  const utils = await makeWorkerUtils(shared)
  await utils.migrate()
  const sql = postgres({ ...settings, max: 1 })
  return {
    addBatch: (count) =>
      utils.addJobs(Array.from({ length: count }, () => ({ identifier: TASK, payload: {} }))),
    addOne: () => utils.addJob(TASK, {}),
    async work(onStart) {
      const runner: Runner = await run({
        ...options,
        taskList: { [TASK]: async () => onStart() },
        parsedCronItems: [],
        noHandleSignals: true,
      })
      return () => runner.stop()
    },
    // Jobs that end are deleted.
    async countOpen() {
      const [row] = await sql<{ open: number }[]>`
        SELECT count(*)::int AS open FROM graphile_worker._private_jobs`
      return row?.open ?? 0
    },
    stop: () => Promise.all([utils.release(), sql.end()]),
  }
}
