import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** Fields of /proc/self/stat, counted from the state, which is the first after the name. */
const ENV_START = 47
const ENV_END = 48

/**
 * Clears the environment that the kernel shows of this process in /proc, where every process of the same user (a
 * shell task above all) could read its secrets. `process.env` is a copy and stays as it is, for threads as well.
 *
 * @returns whether it is cleared; true where there is no /proc to read it from
 */
export function hideEnvironment(): boolean {
  if (process.platform !== 'linux') return true
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const start = Number(fields[ENV_START])
    const length = Number(fields[ENV_END]) - start
    if (!(start > 0 && length > 0)) return length === 0
    const memory = openSync('/proc/self/mem', 'r+')
    try {
      return writeSync(memory, Buffer.alloc(length), 0, length, start) === length
    } finally {
      closeSync(memory)
    }
  } catch {
    return false
  }
}
