import { Database } from 'bun:sqlite'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { AppError } from '../../shared/core/error.ts'

export interface Lock {
  /** Whether the last holder was killed before it could let go. */
  readonly wasAbandoned: boolean
  release(): void
}

/** Those of this process: one that is collected as garbage would let go. */
const held = new Set<Database>()

/**
 * Takes `file` for this process alone. The lock is the kernel's (by way of SQLite, the only file lock that
 * Bun brings along), so it ends with the process, however that ends; a file with a pid in it would not.
 *
 * @throws `conflict` naming the other process when one has it
 */
export function lock(file: string): Lock {
  const pidFile = `${file}.pid`
  const database = new Database(file)
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    throw new AppError('conflict', `in use by process ${holder(pidFile)}`, { cause: error })
  }
  held.add(database)
  const wasAbandoned = existsSync(pidFile)
  writeFileSync(pidFile, `${process.pid}\n`)
  return {
    wasAbandoned,
    release() {
      rmSync(pidFile, { force: true })
      held.delete(database)
      database.close()
    },
  }
}

function holder(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
