import type { ControlHandlers } from '../shared/rpc/gen/taskmaster/Control.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'
import { createExpressServer, type ExpressServerOptions, type ExpressStream } from './express-server.ts'

export interface Control {
  handlers: ControlHandlers
  /** From now on it says that it is stopping, and takes no tasks by the express path. */
  leave(): void
}

/** Answers schedulers: how this coordinator is, from memory alone, and what comes of tasks on the express path. */
export function createControl(id: string, troubles: Troubles, express: ExpressServerOptions): Control {
  const server = createExpressServer(express)
  let stopping = false
  return {
    handlers: {
      GetHealth(_, callback) {
        const now = Date.now()
        const listed = troubles.list().map(({ key, message, code = '', waiting = 0, since }) => ({
          ...{ key, message, code, waiting },
          ago_ms: Math.max(0, now - since),
        }))
        callback(null, { id, stopping, troubles: listed })
      },
      Express: (stream: ExpressStream) => server.serve(stream),
    },
    leave() {
      stopping = true
      server.leave()
    },
  }
}
