import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readlink, realpath, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { canReach, type ServerUser } from './server-user.ts'

/** Where root's server keeps what it cannot keep below a folder that only root may enter. */
export const ROOT_PLACE = '/var/lib/taskmaster'

/**
 * The folder for a server's data: `folder` itself when `user` can reach it, else one below /var/lib that a
 * link `folder/elsewhere` leads to. Its name is random, so that a removed and remade folder starts anew.
 */
export async function dataPlace(folder: string, user: ServerUser | null): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  if (!user) return folder
  const link = join(folder, 'elsewhere')
  const linked = await readlink(link).catch(() => null)
  if (linked) {
    await mkdir(linked, { recursive: true, mode: 0o711 })
    return linked
  }
  if (await canReach(dirname(await realpath(folder)), user)) {
    const { mode } = await stat(folder)
    if ((mode & 0o001) === 0) await chmod(folder, mode | 0o011)
    return folder
  }
  const place = join(ROOT_PLACE, randomBytes(6).toString('hex'))
  await mkdir(place, { recursive: true, mode: 0o711 })
  await symlink(place, link)
  return place
}
