import { randomBytes } from 'node:crypto'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerUser } from './server-user.ts'

/** The database's password, kept in `place` for its owner alone; made on the first call. */
export async function readPassword(place: string): Promise<string> {
  const file = join(place, 'password')
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known.trim()) return known.trim()
  const password = randomBytes(24).toString('base64url')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return password
}

/** Writes a file that only `user` can read. */
export async function writeFor(user: ServerUser | null, file: string, text: string): Promise<void> {
  await rm(file, { force: true })
  await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  if (user) await chown(file, user.uid, user.gid)
}
