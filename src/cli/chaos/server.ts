import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../up/postgres.ts'

const TRIES = 20
const PAUSE_MS = 250

/** A PostgreSQL server that can be restarted on its port, gently or not. */
export interface RestartableServer {
  readonly settings: EmbeddedPostgres['settings']
  /** Resolves when it is up again. `immediate`: as after a crash, with recovery. */
  restart(how: 'fast' | 'immediate'): Promise<void>
  stop(): Promise<void>
}

export async function startRestartableServer(
  folder: string,
  onLog: (line: string) => void,
): Promise<RestartableServer> {
  // What a killed process had written, the kernel still writes: fsync protects from nothing that is done here.
  const options = { folder, settings: { fsync: 'off' }, onLog }
  let server = await startEmbeddedPostgres(options)
  const { settings } = server
  let restarting: Promise<void> = Promise.resolve()
  let stopped = false

  async function restart(how: 'fast' | 'immediate') {
    if (stopped) return
    if (how === 'fast') await server.stop()
    else {
      signal(await postmaster(folder), 'SIGQUIT')
      await server.exited
    }
    for (let left = TRIES; ; left--) {
      try {
        server = await startEmbeddedPostgres({ ...options, port: settings.port })
        return
      } catch (error) {
        if (left <= 1) throw error
        await Bun.sleep(PAUSE_MS)
      }
    }
  }

  return {
    settings,
    restart(how) {
      restarting = restarting.then(() => restart(how))
      return restarting
    },
    async stop() {
      stopped = true
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

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}
