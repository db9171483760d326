import { AppError } from '../../shared/core/error.ts'
import type { Child } from './child.ts'
import { settlesWithin } from './deadline.ts'
import type { LogLine } from './log-line.ts'
import { restartDelayMs, SOUND_AFTER_MS } from './restart.ts'

export interface SupervisedOptions {
  name: string
  start: () => Child
  /** Told of each end that nobody asked for, and when it is started again. */
  onEnd: (how: string, againInMs: number) => void
  /** ms until it is started again, after so many quick ends in a row; about a second, and rising, by default. */
  delayMs?: (quickEnds: number) => number
}

/** A service that is started again whenever it ends, until it is stopped. */
export interface Supervised {
  readonly name: string
  /** Null while it waits to be started again. */
  readonly pid: number | null
  /** The line by which it said that it is up; rejects with `unavailable` when its first run ends before. */
  readonly ready: Promise<LogLine>
  /** Ends the running process at once and as it is; it is started again after about a second. */
  kill(): Promise<void>
  /** Asks it to end, makes it after `limitMs`, and starts it no more. */
  stop(limitMs: number): Promise<void>
}

const defaultDelayMs = (quickEnds: number) => restartDelayMs(Math.max(0, quickEnds - 1), Math.random())

export function supervise({ name, start, onEnd, delayMs = defaultDelayMs }: SupervisedOptions): Supervised {
  let child: Child | null = null
  let quickEnds = 0
  const stopping = Promise.withResolvers<'stopping'>()
  let stopped = false
  const ready = Promise.withResolvers<LogLine>()
  ready.promise.catch(() => {})

  async function run() {
    while (!stopped) {
      const startedAt = performance.now()
      const run = start()
      child = run
      run.ready.then(ready.resolve)
      const how = await run.exited
      child = null
      if (stopped) return
      ready.reject(new AppError('unavailable', `the ${name} ended at once: ${run.complaint || how}`))
      quickEnds = performance.now() - startedAt < SOUND_AFTER_MS ? quickEnds + 1 : 0
      const againInMs = delayMs(quickEnds)
      onEnd(how, againInMs)
      await Promise.race([Bun.sleep(againInMs), stopping.promise])
    }
  }

  const running = run()
  return {
    name,
    get pid() {
      return child?.pid ?? null
    },
    ready: ready.promise,
    async kill() {
      const killed = child
      killed?.kill('SIGKILL')
      await killed?.exited
    },
    async stop(limitMs) {
      stopped = true
      stopping.resolve('stopping')
      child?.kill('SIGTERM')
      if (await settlesWithin(running, limitMs)) return
      child?.kill('SIGKILL')
      await running
    },
  }
}
