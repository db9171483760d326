import type { LogLine } from '../shared/core/output.ts'
import { isReportOfTask } from '../shared/core/report.ts'
import { asPlainAscii, harmless } from '../shared/harmless.ts'
import type { Log } from '../shared/log.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import type { Sql } from '../shared/store/connect.ts'
import { insertLogs, updateProgress, type WorkerLog, type WorkerProgress } from '../shared/store/logs.ts'
import { type Transactions, takenBack } from '../shared/store/transactions.ts'
import { createPersister } from './persist.ts'

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

export interface JournalOptions {
  sql: Sql
  transactions: Transactions
  log: Log
  troubles: Troubles
}

/** Stores what tasks say, group-committed and apart from outcomes: a flood of lines delays only its own task. */
export function createJournal({ sql, transactions, log, troubles }: JournalOptions): Journal {
  const insert = (to: Sql, logs: WorkerLog[]) => insertLogs(to, logs, performance.now())
  // What waits is bounded: a worker has two messages on their way at most.
  const lines = createPersister<WorkerLog>({
    what: 'lines',
    log,
    troubles,
    write: (logs) => insert(sql, logs),
    writeLike: (one) =>
      takenBack(transactions, (tx) => insert(tx, [withLines(one, (line) => harmless(line.text))])),
    divide: (one) => one.lines.map((line) => ({ ...one, lines: [line] })),
    replace: (one, reason) => withLines(one, () => `… [this line cannot be stored: ${asPlainAscii(reason)}]`),
    keyOf: ({ taskId, attempt, lines }) => `${taskId}#${attempt}#${lines[0]?.seq}#${lines.length}`,
    merge: (_, later) => later,
    weigh: ({ lines }) => lines.length,
    maxWeight: MAX_LINES,
  })
  const progress = createPersister<WorkerProgress>({
    what: 'progress',
    log,
    troubles,
    write: (some) => updateProgress(sql, some),
    writeLike: (one) => takenBack(transactions, (tx) => updateProgress(tx, [{ ...one, value: 0 }])),
    replace: () => null,
    keyOf: ({ taskId }) => taskId,
    merge: (_, later) => later,
    weigh: () => 1,
    maxWeight: MAX_LINES,
  })

  return {
    async store(said) {
      await Promise.all([
        lines.store(said.logs.filter((one) => one.lines.length > 0 && isReportOfTask(one))),
        progress.store(said.progress.filter(isReportOfTask)),
      ])
    },
    async stop() {
      await Promise.all([lines.stop(), progress.stop()])
    },
  }
}

const withLines = (one: WorkerLog, textOf: (line: LogLine) => string): WorkerLog => ({
  ...one,
  lines: one.lines.map((line) => ({ ...line, text: textOf(line) })),
})
