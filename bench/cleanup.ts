import { AppError } from '../src/shared/core/error.ts'

type Stop = () => Promise<unknown>

const pending = new Set<Stop>()
let interrupted = false

/**
 * Remembers how to stop something, for the case that the bench is interrupted. Register it before it is started, so
 * that nothing is missed.
 *
 * @returns the same, at most once: stops it and forgets it
 */
export function onEnd(stop: Stop): () => Promise<void> {
  let done: Promise<void> | undefined
  const once = () => {
    done ??= stop().then(() => {
      pending.delete(once)
    })
    return done
  }
  pending.add(once)
  return once
}

export const isInterrupted = (): boolean => interrupted

/** Resolves at once, but never after an interruption: await it before something is started, so that nothing is then. */
export const unlessInterrupted = (): Promise<void> =>
  interrupted ? new Promise(() => {}) : Promise.resolve()

/** Stops all that is left, the newest first. */
export async function cleanUp(): Promise<void> {
  for (;;) {
    const stop = [...pending].at(-1)
    if (!stop) return
    await stop().catch((error) => {
      console.error(`Could not clean up: ${error instanceof Error ? error.message : error}`)
    })
    pending.delete(stop)
  }
}

export interface SignalOptions {
  /** With which the process exits on Ctrl-C and on SIGTERM, when it has cleaned up; 130 by default. */
  exitCode?: number
  /** ms after which it exits whether it has cleaned up or not; none by default. */
  limitMs?: number
}

function cleanUpOnSignal({ exitCode = 130, limitMs }: SignalOptions): void {
  const onSignal = async () => {
    if (interrupted) return
    interrupted = true
    // What the bench was waiting for fails now, which is of no interest any more.
    process.on('unhandledRejection', () => {})
    process.on('uncaughtException', () => {})
    if (limitMs !== undefined) setTimeout(() => process.exit(exitCode), limitMs)
    await cleanUp()
    process.exit(exitCode)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

/** Runs a bench to its end, whatever that is, and leaves nothing behind. */
export async function runToEnd(bench: () => Promise<void>, options: SignalOptions = {}): Promise<void> {
  cleanUpOnSignal(options)
  try {
    await bench()
  } catch (error) {
    if (error instanceof AppError) {
      console.error(`Error: ${error.message}`)
      process.exitCode = 1
    } else if (!interrupted) throw error
  } finally {
    await cleanUp()
  }
  // The handler of the signal exits.
  if (interrupted) await new Promise(() => {})
}
