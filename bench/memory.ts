import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Process, startBenchDatabase, temporaryFolder } from './cluster.ts'
import { measureDrain } from './drain.ts'
import { print, say } from './flags.ts'
import { type System, startSystem } from './system.ts'

const HEAP_LIMIT_MS = 5000
const MIB = 1024 * 1024

export interface MemoryOptions {
  tasks: number
  /** Seconds after the drain until it is looked at again. */
  rest: number
}

/** The memory of one process, in MiB. */
export interface Memory {
  /** Resident: `anonymous` and `files` together. */
  rss: number
  /** The largest that it was. */
  peak: number
  /** Its share of the resident memory: a page that n processes have counts as an nth of it. */
  pss: number
  /** What is the process's own. */
  anonymous: number
  /** Pages of Bun and of libraries, which all processes share. */
  files: number
  /** Of the main thread's JavaScript: what is in use, garbage included, and the pages that it lies in. */
  heap: number
  heapPages: number
}

/** What the memory of each process is made of: when it is up, after a drain, and a while later. */
export async function measureMemory({ tasks, rest }: MemoryOptions): Promise<void> {
  say('Starting PostgreSQL …')
  const database = await startBenchDatabase()
  const folder = await temporaryFolder('heap')
  const env = {
    HEAP_FOLDER: folder.path,
    BUN_OPTIONS: `--preload ${join(import.meta.dir, 'heap.ts')}`,
  }
  let system: System | undefined
  try {
    system = await startSystem(database, { env })
    const looks: Record<string, Record<string, Memory>> = {}
    const look = async (when: string, of: System) => {
      looks[when] = await memoryOf(of, folder.path)
    }
    await look('idle', system)
    await system.stop()
    say(`Draining ${tasks.toLocaleString('en')} tasks …`)
    const drain = await measureDrain(database.sql, tasks, async () => {
      system = await startSystem(database, { env })
    })
    await look('drained', system)
    await Bun.sleep(rest * 1000)
    await look(`${rest} s later`, system)
    say('')
    print(tabulate(looks), { tasks, rest, drain, looks })
  } finally {
    await system?.stop()
    await folder.remove()
    await database.stop()
  }
}

async function memoryOf(system: System, folder: string): Promise<Record<string, Memory>> {
  const processes = [...system.processes].sort((a, b) => a.name.localeCompare(b.name))
  const found: Record<string, Memory> = {}
  for (const process of processes) found[process.name] = await lookAt(process, folder)
  return found
}

async function lookAt({ pid }: Process, folder: string): Promise<Memory> {
  const rollup = await Bun.file(`/proc/${pid}/smaps_rollup`).text()
  const status = await Bun.file(`/proc/${pid}/status`).text()
  const [rss, anonymous] = [fieldOf(rollup, 'Rss'), fieldOf(rollup, 'Anonymous')]
  const heap = await heapOf(pid, folder)
  return {
    rss: round(rss),
    peak: round(fieldOf(status, 'VmHWM')),
    pss: round(fieldOf(rollup, 'Pss')),
    anonymous: round(anonymous),
    files: round(rss - anonymous),
    heap: round(heap.used / MIB),
    heapPages: round(heap.reserved / MIB),
  }
}

/** Asks heap.ts in that process. */
async function heapOf(pid: number, folder: string): Promise<{ used: number; reserved: number }> {
  const file = join(folder, `${pid}.json`)
  await rm(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  const deadline = performance.now() + HEAP_LIMIT_MS
  while (!(await Bun.file(file).exists())) {
    if (performance.now() > deadline) throw new Error(`process ${pid} did not tell of its heap`)
    await Bun.sleep(10)
  }
  return await Bun.file(file).json()
}

/** A field of a file of /proc that is given in kB, in MiB. */
function fieldOf(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${name} in ${text.slice(0, 200)}`)
  return Number(found) / 1024
}

const round = (mib: number) => Number(mib.toFixed(1))

function tabulate(looks: Record<string, Record<string, Memory>>): Record<string, Memory> {
  const rows = Object.entries(looks).flatMap(([when, of]) =>
    Object.entries(of).map(([name, memory]) => [`${name}, ${when}`, memory] as const),
  )
  return Object.fromEntries(rows)
}
