import { AppError } from '../../shared/core/error.ts'
import { endListeners } from '../../shared/store/evidence.ts'
import type { Cluster } from './cluster.ts'
import { type DatabaseFault, type Lift, strikeDatabase } from './database-faults.ts'
import type { Disturbance } from './evidence.ts'
import { describeFault, type Fault } from './faults.ts'
import { COORDINATORS, SCHEDULERS } from './plan.ts'
import type { RestartableServer } from './server.ts'
import type { Store } from './store.ts'

export interface InjectorOptions {
  cluster: Cluster
  server: RestartableServer
  store: Store
  onFault: (what: string) => void
}

/** Carries faults out, and ends those that last. */
export interface Injector {
  inject(fault: Fault): void
  /** What each of them was, and from when to when. */
  readonly disturbances: Disturbance[]
  /** Ends whatever lasts; resolves when PostgreSQL is up and as it was. */
  liftAll(): Promise<void>
}

export function createInjector({ cluster, server, store, onFault }: InjectorOptions): Injector {
  /** What ends each fault that lasts, by what it concerns. */
  const lasting = new Map<string, { lift: () => void; timer: Timer }>()
  const disturbances: Disturbance[] = []
  /** What is done to PostgreSQL that takes a while. */
  const ongoing = new Map<Promise<void>, string>()
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

  function freeze(name: string, forMs: number, over: () => void) {
    const { pid } = cluster.process(name)
    if (pid === null) return over()
    signal(pid, 'SIGSTOP')
    last(`${name} ${pid}`, forMs, () => {
      if (cluster.process(name).pid === pid) signal(pid, 'SIGCONT')
      over()
    })
  }

  function terminate(name: string) {
    const { pid } = cluster.process(name)
    if (pid !== null) signal(pid, 'SIGTERM')
  }

  function watch(what: string, work: Promise<void>) {
    const watched: Promise<void> = work
      .catch((error) => onFault(`${what}: ${(error as Error).message}`))
      .finally(() => ongoing.delete(watched))
    ongoing.set(watched, what)
  }

  /** Strikes, and lifts when the time is over or all is lifted. */
  async function strike(fault: DatabaseFault, disturbance: Disturbance): Promise<void> {
    if (fault.kind === 'frozen-database' && fault.slowMs > 0) await slowDown(fault.slowMs)
    const lift: Lift = await strikeDatabase(fault, store, server)
    const lifted = Promise.withResolvers<void>()
    disturbance.inForceFrom = now()
    last(`database ${disturbances.length} ${fault.kind}`, fault.forMs, lifted.resolve)
    await lifted.promise
    await lift()
    disturbance.to = now()
  }

  /** Lets every answer and every question come late for a moment, so that more of them are on their way. */
  async function slowDown(delayMs: number): Promise<void> {
    const paths = [...COORDINATORS, ...SCHEDULERS].map((from) => cluster.path(`${from}>postgres`))
    for (const path of paths) path.set({ kind: 'delay', delayMs })
    await Bun.sleep(SLOW_MS)
    // What was on its way by then has come by the time that the server stands still.
    setTimeout(() => {
      for (const path of paths) path.set(null)
    }, SLOW_MS)
  }

  function carryOut(fault: Fault, disturbance: Disturbance) {
    const over = () => {
      disturbance.to = now()
    }
    switch (fault.kind) {
      case 'kill':
        over()
        return void cluster.process(fault.process).kill()
      case 'terminate':
        over()
        return terminate(fault.process)
      case 'restart-draining':
        over()
        return fault.processes.forEach(terminate)
      case 'freeze':
        return freeze(fault.process, fault.forMs, over)
      case 'reset':
        over()
        return cluster.path(fault.path).reset()
      case 'path': {
        const path = cluster.path(fault.path)
        path.set(fault.fault)
        return last(fault.path, fault.forMs, () => {
          path.set(null)
          over()
        })
      }
      case 'postgres':
        restarting = restarting.then(() => server.restart(fault.how)).finally(over)
        return watch('PostgreSQL did not come back', restarting)
      case 'listeners':
        over()
        return watch(
          'Could not end listeners',
          endListeners(store.sql).catch(() => {}),
        )
      default:
        return watch(`Could not ${describeFault(fault)}`, strike(fault, disturbance))
    }
  }

  return {
    inject(fault) {
      onFault(describeFault(fault))
      const targets = targetsOf(fault)
      const pids = targets.flatMap((name) => cluster.process(name).pid ?? [])
      const what = describeFault(fault)
      const disturbance: Disturbance = {
        what,
        fault,
        from: now(),
        inForceFrom: null,
        to: null,
        targets,
        pids,
      }
      disturbances.push(disturbance)
      carryOut(fault, disturbance)
    },
    disturbances,
    async liftAll() {
      const deadline = performance.now() + LIFT_LIMIT_MS
      server.thaw()
      while (lasting.size > 0 || ongoing.size > 0) {
        if (performance.now() > deadline)
          throw new AppError('unavailable', `never over: ${[...ongoing.values()].join(', ')}`)
        for (const { lift, timer } of lasting.values()) {
          clearTimeout(timer)
          lift()
        }
        lasting.clear()
        await Promise.race([...ongoing.keys(), Bun.sleep(PAUSE_MS)])
      }
    },
  }
}

/** How long the database is slow before it freezes, in ms. */
const SLOW_MS = 1500
const PAUSE_MS = 50
/** By when everything that lasts is over once it is lifted. */
const LIFT_LIMIT_MS = 60_000

/** Epoch ms by the machine's clock. */
const now = () => performance.timeOrigin + performance.now()

/** The processes that a fault may take out of the system, or cut off; none: it concerns all of them alike. */
function targetsOf(fault: Fault): string[] {
  if ('process' in fault) return [fault.process]
  if ('processes' in fault) return fault.processes
  return 'path' in fault ? fault.path.split('>').filter((name) => name !== 'postgres') : []
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}
