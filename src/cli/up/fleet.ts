import { AppError } from '../../shared/core/error.ts'
import type { FleetReply, FleetRequest } from '../../shared/fleet.ts'
import type { Supervised } from './supervisor.ts'

const MAX_WORKERS = 50

export interface FleetOptions {
  /** What their names begin with: `worker` unless it is given. */
  prefix?: string
  start: (name: string) => Supervised
  /** Where the scheduler is reached. */
  server?: () => string
  /** ms that a worker may take to end its tasks. */
  drainLimitMs: number
}

/** The workers of this launcher: worker-1, worker-2, … */
export interface Fleet {
  /** Starts workers, or drains the newest. Does not wait for either. */
  scale(count: number): void
  /** @throws `not_found` when no worker of that name runs here */
  kill(name: string): Promise<number>
  /** Every worker that is not being drained, oldest first. */
  workers(): Supervised[]
  /** Drains all, those already draining too. */
  stop(): Promise<void>
  /** Ends all at once and as they are. */
  killAll(): void
  /** Answers what a scheduler asks over its IPC channel; null for what is no request. */
  answer(message: unknown): Promise<FleetReply> | null
}

export function createFleet({
  prefix = 'worker',
  start,
  server = () => 'http://localhost:8081',
  drainLimitMs,
}: FleetOptions): Fleet {
  const workers: Supervised[] = []
  const draining = new Map<Supervised, Promise<void>>()

  function drain(worker: Supervised): Promise<void> {
    const drained = worker.stop(drainLimitMs).finally(() => draining.delete(worker))
    draining.set(worker, drained)
    return drained
  }

  function freeName(): string {
    const taken = new Set([...workers, ...draining.keys()].map(({ name }) => name))
    for (let number = 1; ; number++) {
      if (!taken.has(`${prefix}-${number}`)) return `${prefix}-${number}`
    }
  }

  const fleet: Fleet = {
    scale(count) {
      if (!Number.isInteger(count) || count < 0 || count > MAX_WORKERS) {
        throw new AppError('invalid', `count must be between 1 and ${MAX_WORKERS}`)
      }
      while (workers.length < count) workers.push(start(freeName()))
      for (const worker of workers.splice(count).reverse()) drain(worker)
    },
    async kill(name) {
      const worker = [...workers, ...draining.keys()].find((known) => known.name === name)
      const pid = worker?.pid
      if (!worker || !pid) throw new AppError('not_found', `no worker named ${name} runs here`)
      await worker.kill()
      return pid
    },
    workers: () => [...workers],
    async stop() {
      for (const worker of workers.splice(0)) drain(worker)
      await Promise.all(draining.values())
    },
    killAll() {
      for (const worker of [...workers, ...draining.keys()]) void worker.kill()
    },
    answer: (message) => (isRequest(message) ? carryOut(fleet, message, server) : null),
  }
  return fleet
}

async function carryOut(fleet: Fleet, { id, ask }: FleetRequest, server: () => string): Promise<FleetReply> {
  try {
    if ('scale' in ask) {
      fleet.scale(ask.scale)
      return { id, ok: true, command: `bun run taskmaster scale ${ask.scale} --server ${server()}` }
    }
    const pid = await fleet.kill(ask.kill)
    return { id, ok: true, command: `kill -KILL ${pid}` }
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'internal'
    return { id, ok: false, code, error: (error as Error).message }
  }
}

function isRequest(message: unknown): message is FleetRequest {
  return typeof message === 'object' && message !== null && 'id' in message && 'ask' in message
}
