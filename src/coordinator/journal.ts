import { type Batcher, createBatcher } from '../shared/batcher.ts'
import type { Log } from '../shared/log.ts'
import type { Sql } from '../shared/store/connect.ts'
import { insertLogs, updateProgress, type WorkerLog, type WorkerProgress } from '../shared/store/logs.ts'
import { persist } from './persist.ts'

/** Lines written by one statement, about: a worker's message has no more. */
const MAX_LINES = 2000

/** What a message of a worker says of its attempts, besides how they ended. */
export interface Said {
  logs: WorkerLog[]
  progress: WorkerProgress[]
}

export interface Journal {
  /** Resolves when all is committed, however long the database is away; rejects only after stop. */
  store(said: Said): Promise<void>
  stop(): Promise<void>
}

/** Stores what tasks say, group-committed and apart from outcomes: a flood of lines delays only its own task. */
export function createJournal(sql: Sql, log: Log): Journal {
  let stopping = false
  const isStopping = () => stopping

  async function write(batch: Said[]): Promise<undefined[]> {
    const logs = batch.flatMap((said) => said.logs)
    if (logs.length > 0) {
      const insert = (some: WorkerLog[]) => insertLogs(sql, some, performance.now())
      await persist(logs, { write: insert, what: 'log of an attempt', log, isStopping })
    }
    const latest = new Map(batch.flatMap((said) => said.progress).map((one) => [one.taskId, one]))
    if (latest.size > 0) {
      const update = (some: WorkerProgress[]) => updateProgress(sql, some)
      await persist([...latest.values()], { write: update, what: 'word on progress', log, isStopping })
    }
    return batch.map(() => undefined)
  }

  // What waits is bounded: a worker has two messages on their way at most.
  const batcher: Batcher<Said, undefined> = createBatcher({
    write,
    maxItems: MAX_LINES,
    weigh: ({ logs, progress }) => logs.reduce((sum, { lines }) => sum + lines.length, progress.length),
    maxWaiting: Number.POSITIVE_INFINITY,
  })

  return {
    store: (said) => batcher.add(said),
    async stop() {
      stopping = true
      await batcher.close()
    },
  }
}
