import { AppError } from '../shared/core/error.ts'
import type { Log } from '../shared/log.ts'
import { notifyEvent } from '../shared/store/channel.ts'
import type { Sql } from '../shared/store/connect.ts'
import { listWorkers, type Worker } from '../shared/store/workers.ts'
import type { Fleet } from './fleet/port.ts'

export interface WorkersOptions {
  sql: Sql
  fleet: Fleet
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  log: Log
}

export interface Workers {
  /** Live workers; with `include: 'offline'` the others too. */
  list(input: { include?: 'offline' | undefined }): Promise<Worker[]>
  /**
   * @param reason why, when nobody asked for it
   * @throws `unavailable` with the reason when there is no fleet that can be scaled
   */
  scale(input: { count: number }, reason?: string): Promise<{ count: number; command: string }>
  /**
   * Kills one live worker hard.
   *
   * @throws `not_found` when no live worker is called so, `conflict` when several are
   */
  kill(input: { name: string }): Promise<{ name: string; command: string }>
}

/** The use cases of workers, the same for every edge. */
export function createWorkers({ sql, fleet, silenceMs, log }: WorkersOptions): Workers {
  const list: Workers['list'] = ({ include }) =>
    listWorkers(sql, { silenceMs, offline: include === 'offline' })

  // What was done is done: that nobody could be told is no failure of the request.
  async function announce(...event: [type: 'scale' | 'kill', detail: { workerId?: number; text: string }]) {
    await notifyEvent(sql, ...event).catch((error) => log.warn({ err: error }, 'Could not announce an event'))
  }

  /** Of the container of this name; the name itself when there is none. */
  async function hostnameOf(name: string): Promise<string> {
    return (await fleet.hostnameOf?.(name).catch(() => null)) ?? name
  }

  return {
    list,

    async scale({ count }, reason) {
      const command = await fleet.scale(count)
      await announce('scale', { text: `Scaled to ${count} workers${reason ? `. ${reason}` : ''}` })
      return { count, command }
    },

    async kill({ name }) {
      const live = await list({})
      const worker = pick(live, name) ?? pick(live, await hostnameOf(name))
      if (!worker) throw new AppError('not_found', `no live worker is called ${name}`)
      const command = await fleet.kill(worker)
      await announce('kill', { workerId: worker.id, text: `Killed worker ${worker.name}` })
      return { name: worker.name, command }
    },
  }
}

/** The one live worker that goes by this name, id, `Worker-<id>` or, if it is alone on it, host name; null: none. */
function pick(workers: Worker[], called: string): Worker | null {
  const byId = workers.filter(({ id }) => called === String(id) || called === `Worker-${id}`)
  const byName = workers.filter(({ name }) => name === called)
  const byHost = workers.filter(({ hostname }) => hostname === called)
  const matching = [byName, byId, byHost].find((found) => found.length > 0) ?? []
  const [worker, ...others] = matching
  if (!worker) return null
  if (others.length > 0) {
    const ids = matching.map(({ id }) => id).join(', ')
    throw new AppError(
      'conflict',
      `${matching.length} workers are called ${called}; give one of the ids ${ids}`,
    )
  }
  return worker
}
