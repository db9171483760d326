import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AppError } from '../../shared/core/error.ts'

/** The system user that PostgreSQL runs as. */
export interface ServerUser {
  uid: number
  gid: number
}

/**
 * PostgreSQL refuses to run as root, so root gets another user for it: `postgres` where it exists, else
 * `nobody`. Null means that it can run as whoever we are.
 */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name)
    const gid = idOf('-g', name)
    if (uid && gid) return { uid, gid }
  }
  throw new AppError(
    'unavailable',
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody. Start as another user.',
  )
}

function idOf(flag: '-u' | '-g', name: string): number {
  const { success, stdout } = Bun.spawnSync(['id', flag, name], { stderr: 'ignore' })
  return success ? Number(stdout.toString()) : 0
}

/** Whether `user` may pass through every folder above `path`, and through `path` itself where it exists. */
export async function canReach(path: string, user: ServerUser | null): Promise<boolean> {
  if (!user) return true
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const entry = await stat(folder).catch(() => null)
    if (entry) {
      const bit = entry.uid === user.uid ? 0o100 : entry.gid === user.gid ? 0o010 : 0o001
      if ((entry.mode & bit) === 0) return false
    }
    if (folder === dirname(folder)) return true
  }
}
