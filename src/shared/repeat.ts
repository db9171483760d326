import type { Log } from './log.ts'

export interface Repeating {
  stop(): Promise<void>
}

/**
 * Runs `tick` again and again, `intervalMs` after it last ended; an error is logged and the next turn comes
 * all the same.
 */
export function repeat(name: string, intervalMs: number, log: Log, tick: () => Promise<void>): Repeating {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let timer: Timer

  const turn = () => {
    running = tick()
      .catch((error) => log.warn({ err: error, loop: name }, `${name} failed; trying again`))
      .finally(() => {
        if (!stopped) timer = setTimeout(turn, intervalMs)
      })
  }
  timer = setTimeout(turn, intervalMs)

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
