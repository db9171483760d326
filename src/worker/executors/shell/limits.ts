import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Limits {
  /** MiB. */
  memoryMb: number | null
  /** How many processors' worth of time, such as 0.5. */
  cpus: number | null
}

export interface Confinement {
  /** The cgroup that the processes start in. */
  readonly path: string
  /** Kills what is left in it, wherever it has gone, and removes it. */
  remove(): void
}

const ROOT = '/sys/fs/cgroup'
/** µs: the time over which the use of processors is limited. */
const PERIOD = 100_000

/**
 * A cgroup (version 2) with these limits, below the one given.
 *
 * @throws when the system has none, or does not let us make one
 */
export function confine(base: string, name: string, { memoryMb, cpus }: Limits): Confinement {
  const path = join(base, name)
  allow(base)
  mkdirSync(path)
  const remove = () => {
    try {
      writeFileSync(join(path, 'cgroup.kill'), '1')
      rmdirSync(path)
    } catch {
      // What was killed may not be gone yet: an empty cgroup is left behind and costs nothing.
    }
  }
  try {
    if (memoryMb !== null) {
      writeFileSync(join(path, 'memory.max'), String(memoryMb * 1024 * 1024))
      writeFileSync(join(path, 'memory.swap.max'), '0')
    }
    if (cpus !== null) writeFileSync(join(path, 'cpu.max'), `${Math.round(cpus * PERIOD)} ${PERIOD}`)
  } catch (error) {
    remove()
    throw error
  }
  return { path, remove }
}

/** A cgroup may have limited children only when it says so; that it cannot say it is told by the limits. */
function allow(base: string) {
  try {
    writeFileSync(join(base, 'cgroup.subtree_control'), '+memory +cpu')
  } catch {
    // They may be allowed already.
  }
}

/** The cgroup (version 2) of this process; throws when the system has none. */
export function ownCgroup(): string {
  const [, path] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
  readFileSync(join(ROOT, 'cgroup.controllers'))
  return join(ROOT, path ?? '')
}
