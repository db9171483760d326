import { AppError } from '../shared/core/error.ts'
import { isEnded } from '../shared/core/task.ts'
import type { Api, TaskView } from './api.ts'

/** Events are hints: what they say is asked for, and asked again this often should one get lost. */
const RECHECK_MS = 2000
const RECONNECT_MS = 500
/** How long the scheduler may be away. */
const PATIENCE_MS = 60_000

/**
 * Waits for a task's end, however long that takes.
 *
 * @throws `unavailable` when the scheduler stays away for a minute
 */
export async function waitForEnd(api: Api, taskId: string): Promise<TaskView> {
  const hints = watchTask(api.url, taskId)
  let answeredAt = performance.now()
  try {
    for (;;) {
      try {
        const task = await api.get<TaskView>(`/tasks/${taskId}`)
        answeredAt = performance.now()
        if (task.state !== 'retrying' && isEnded(task.state)) return task
      } catch (error) {
        const isAway = error instanceof AppError && error.code === 'unavailable'
        if (!isAway || performance.now() - answeredAt > PATIENCE_MS) throw error
      }
      await hints.next()
    }
  } finally {
    hints.close()
  }
}

interface Hints {
  /** Resolves when something may have changed since the last call. */
  next(): Promise<void>
  close(): void
}

function watchTask(url: string, taskId: string): Hints {
  let hinted = false
  let closed = false
  let wake: (() => void) | null = null
  let socket: WebSocket
  let reconnect: Timer | undefined

  const hint = () => {
    hinted = true
    wake?.()
  }
  const open = () => {
    socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`)
    socket.onopen = () => {
      socket.send(JSON.stringify({ subscribe: { task_id: taskId } }))
      hint()
    }
    socket.onmessage = ({ data }) => {
      if (String(data).includes(taskId)) hint()
    }
    socket.onclose = () => {
      if (!closed) reconnect = setTimeout(open, RECONNECT_MS)
    }
  }
  open()

  return {
    async next() {
      if (!hinted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, RECHECK_MS)
        wake = resolve
        await promise
        clearTimeout(timer)
      }
      wake = null
      hinted = false
    },
    close() {
      closed = true
      clearTimeout(reconnect)
      socket.close()
    },
  }
}
