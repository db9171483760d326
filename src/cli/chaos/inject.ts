import type { Sql } from '../../shared/store/connect.ts'
import { endListeners } from '../../shared/store/evidence.ts'
import type { Cluster } from './cluster.ts'
import { describeFault, type Fault } from './plan.ts'
import type { RestartableServer } from './server.ts'

export interface InjectorOptions {
  cluster: Cluster
  server: RestartableServer
  /** Straight to the server, by no proxy. */
  sql: Sql
  onFault: (what: string) => void
}

/** Carries faults out, and ends those that last. */
export interface Injector {
  inject(fault: Fault): void
  /** Ends whatever lasts; resolves when PostgreSQL is up. */
  liftAll(): Promise<void>
}

export function createInjector({ cluster, server, sql, onFault }: InjectorOptions): Injector {
  /** What ends each fault that lasts, by what it concerns. */
  const lasting = new Map<string, { lift: () => void; timer: Timer }>()
  let restarting: Promise<void> = Promise.resolve()

  /** A later fault of the same thing takes the place of the earlier. */
  function last(what: string, forMs: number, lift: () => void) {
    const before = lasting.get(what)
    if (before) clearTimeout(before.timer)
    const timer = setTimeout(() => {
      lasting.delete(what)
      lift()
    }, forMs)
    lasting.set(what, { lift, timer })
  }

  function freeze(name: string, forMs: number) {
    const { pid } = cluster.process(name)
    if (pid === null) return
    signal(pid, 'SIGSTOP')
    last(`${name} ${pid}`, forMs, () => {
      if (cluster.process(name).pid === pid) signal(pid, 'SIGCONT')
    })
  }

  function carryOut(fault: Fault) {
    switch (fault.kind) {
      case 'kill':
        return void cluster.process(fault.process).kill()
      case 'terminate': {
        const { pid } = cluster.process(fault.process)
        return pid === null ? undefined : signal(pid, 'SIGTERM')
      }
      case 'freeze':
        return freeze(fault.process, fault.forMs)
      case 'reset':
        return cluster.path(fault.path).reset()
      case 'path': {
        const path = cluster.path(fault.path)
        path.set(fault.fault)
        return last(fault.path, fault.forMs, () => path.set(null))
      }
      case 'postgres':
        restarting = restarting.then(() => server.restart(fault.how))
        restarting.catch((error) => onFault(`PostgreSQL did not come back: ${(error as Error).message}`))
        return
      case 'listeners':
        return void endListeners(sql).catch(() => {})
    }
  }

  return {
    inject(fault) {
      onFault(describeFault(fault))
      carryOut(fault)
    },
    async liftAll() {
      for (const { lift, timer } of lasting.values()) {
        clearTimeout(timer)
        lift()
      }
      lasting.clear()
      await restarting
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}
