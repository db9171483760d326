import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'
/** Bytes that the databases of a whole run stay below. */
const NEEDED = 6 * 2 ** 30

/**
 * Where the files of a run belong: in memory where there is room, because a database of a test's own is some 300
 * files, whose creation takes 12 ms there and up to 280 ms on a disk. TMPDIR is obeyed when it is set.
 */
export async function scratchFolder(): Promise<string> {
  if (process.env.TMPDIR) return tmpdir()
  try {
    const { bavail, bsize } = await statfs(MEMORY)
    if (bavail * bsize >= NEEDED) return MEMORY
  } catch {
    // Not on Linux.
  }
  return tmpdir()
}
