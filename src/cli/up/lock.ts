import { Database } from 'bun:sqlite'
import { readFileSync, writeFileSync } from 'node:fs'
import { AppError } from '../../shared/core/error.ts'

export interface FolderLock {
  release(): void
}

/**
 * Takes `file` for this process alone. The lock is the kernel's (by way of SQLite, the only file lock that
 * Bun brings along), so it ends with the process, however that ends; a file with a pid in it would not.
 *
 * @throws `conflict` with the other process's id when another one has it
 */
export function lockFolder(file: string): FolderLock {
  const database = new Database(file)
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    throw new AppError('conflict', `in use by process ${holderOf(file)}`, { cause: error })
  }
  writeFileSync(`${file}.pid`, `${process.pid}\n`)
  return { release: () => database.close() }
}

function holderOf(file: string): string {
  try {
    return readFileSync(`${file}.pid`, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
