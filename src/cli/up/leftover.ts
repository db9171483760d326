import { readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'

const LIMIT_MS = 20_000

/**
 * Stops the server that still runs on `data` after the process that started it was killed. Call it only
 * while holding the folder's lock.
 */
export async function stopLeftover(data: string, onProgress: (what: string) => void): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0])
  if (!pid) return
  if (!isServerOf(pid, data)) {
    // The process ended without tidying up. Its number may be another's by now, which PostgreSQL itself
    // would take for a running server.
    await rm(file, { force: true })
    return
  }
  onProgress(`Stopping the PostgreSQL that an earlier run left (process ${pid})`)
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + LIMIT_MS
  while (isServerOf(pid, data)) {
    if (Date.now() > deadline) {
      throw new AppError('conflict', `PostgreSQL (process ${pid}) still runs on ${data} and does not stop`)
    }
    await Bun.sleep(20)
  }
}

function isServerOf(pid: number, data: string): boolean {
  return argumentsOf(pid).includes(`-D ${data} `)
}

function argumentsOf(pid: number): string {
  if (process.platform !== 'linux') {
    return Bun.spawnSync(['ps', '-ww', '-o', 'args=', '-p', String(pid)], {
      stderr: 'ignore',
    }).stdout.toString()
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
