import { AppError } from '../../shared/core/error.ts'
import type { FleetReply, FleetRequest } from '../../shared/fleet.ts'
import type { Fleet } from './port.ts'

/** The IPC channel to the launcher that started this process; `process` is one. */
export interface Launcher {
  connected: boolean
  send?(request: FleetRequest): unknown
  on(event: 'message', listener: (reply: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
}

/**
 * Child processes: the launcher starts and kills them, we ask it to.
 *
 * @param deadlineMs ms to wait for its answer
 */
export function createProcessFleet(launcher: Launcher, deadlineMs: number): Fleet {
  const waiting = new Map<number, (reply: FleetReply | null) => void>()
  let lastId = 0

  launcher.on('message', (message) => {
    if (isReply(message)) waiting.get(message.id)?.(message)
  })
  launcher.on('disconnect', () => {
    for (const answer of waiting.values()) answer(null)
  })

  async function ask(request: FleetRequest['ask']): Promise<string> {
    if (!launcher.connected || !launcher.send) throw gone()
    const id = ++lastId
    const { promise, resolve, reject } = Promise.withResolvers<FleetReply | null>()
    const timer = setTimeout(
      () => reject(new AppError('unavailable', `the launcher did not answer within ${deadlineMs / 1000} s`)),
      deadlineMs,
    )
    waiting.set(id, resolve)
    try {
      launcher.send({ id, ask: request })
      const reply = await promise
      if (!reply) throw gone()
      if (!reply.ok) throw new AppError(reply.code, reply.error)
      return reply.command
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }

  return {
    isScalable: true,
    scale: (count) => ask({ scale: count }),
    kill: ({ name }) => ask({ kill: name }),
  }
}

const gone = () => new AppError('unavailable', 'the launcher that starts workers is gone')

function isReply(message: unknown): message is FleetReply {
  return typeof message === 'object' && message !== null && 'id' in message && 'ok' in message
}
