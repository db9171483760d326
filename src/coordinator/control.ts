import type { ControlHandlers } from '../shared/rpc/gen/taskmaster/Control.ts'
import type { Troubles } from '../shared/runtime/troubles.ts'

export interface Control {
  handlers: ControlHandlers
  /** From now on it says that it is stopping. */
  leave(): void
}

/** Answers schedulers that ask how this coordinator is, from memory alone. */
export function createControl(id: string, troubles: Troubles): Control {
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
    },
    leave() {
      stopping = true
    },
  }
}
