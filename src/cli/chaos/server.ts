import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../up/postgres.ts'

const TRIES = 20
const PAUSE_MS = 250

/** A PostgreSQL server that can be restarted on its port, gently or not, and frozen. */
export interface RestartableServer {
  readonly settings: EmbeddedPostgres['settings']
  /** Resolves when it is up again. `immediate`: as after a crash, with recovery. */
  restart(how: 'fast' | 'immediate'): Promise<void>
  /** Stops the server and all of its backends where they are, as a machine that pauses does. */
  freeze(): Promise<void>
  /** Lets all of them go on, in any order. */
  thaw(): void
  stop(): Promise<void>
}

/** @param settings of the server, besides those that a run has anyway */
export async function startRestartableServer(
  folder: string,
  onLog: (line: string) => void,
  settings: Record<string, string> = {},
): Promise<RestartableServer> {
  // What a killed process had written, the kernel still writes: fsync protects from nothing that is done here.
  const options = { folder, settings: { fsync: 'off', ...settings }, onLog }
  let server = await startEmbeddedPostgres(options)
  const connection = server.settings
  let frozen: number[] = []
  let restarting: Promise<void> = Promise.resolve()
  let stopped = false

  async function restart(how: 'fast' | 'immediate') {
    if (stopped) return
    thaw()
    if (how === 'fast') await server.stop()
    else {
      signal(await postmaster(folder), 'SIGQUIT')
      await server.exited
    }
    for (let left = TRIES; ; left--) {
      try {
        server = await startEmbeddedPostgres({ ...options, port: connection.port })
        return
      } catch (error) {
        if (left <= 1) throw error
        await Bun.sleep(PAUSE_MS)
      }
    }
  }

  async function freeze() {
    await restarting.catch(() => {})
    if (stopped) return
    const pid = await postmaster(folder)
    // The postmaster first, so that no backend is forked while the others are looked for.
    signal(pid, 'SIGSTOP')
    frozen = [pid, ...(await childrenOf(pid))]
    for (const backend of frozen) signal(backend, 'SIGSTOP')
  }

  function thaw() {
    const order = frozen.map((pid) => ({ pid, at: Math.random() })).sort((a, b) => a.at - b.at)
    for (const { pid } of order) signal(pid, 'SIGCONT')
    frozen = []
  }

  return {
    settings: connection,
    restart(how) {
      restarting = restarting.then(() => restart(how))
      return restarting
    },
    freeze,
    thaw,
    async stop() {
      stopped = true
      thaw()
      await restarting.catch(() => {})
      await server.stop()
    },
  }
}

/** The process of the server that runs on a folder. */
async function postmaster(folder: string): Promise<number> {
  for (const place of [folder, join(folder, 'elsewhere')]) {
    const text = await readFile(join(place, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
    const pid = Number(text.split('\n')[0])
    if (pid) return pid
  }
  throw new Error(`no server runs on ${folder}`)
}

async function childrenOf(parent: number): Promise<number[]> {
  const text = await new Response(Bun.spawn(['ps', '-A', '-o', 'pid=,ppid=']).stdout).text()
  return text.split('\n').flatMap((line) => {
    const [pid, ppid] = line.trim().split(/\s+/).map(Number)
    return pid && ppid === parent ? pid : []
  })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}
