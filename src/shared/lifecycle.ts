import type { Log } from './log.ts'

/**
 * Runs `stop` once on the first SIGTERM or SIGINT, then exits: 0 when it finished, 1 when it threw or took
 * longer than `limitMs`. A second signal exits at once. With TASKMASTER_PARENT set, the end of standard
 * input counts as a signal too: whoever started this process is gone.
 */
export function stopOnSignal(log: Log, stop: () => Promise<void>, limitMs: number): void {
  let stopping = false
  const onSignal = (signal: string) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, 'Stopping')
    const limit = setTimeout(() => {
      log.error({ limitMs }, 'Could not stop in time')
      process.exit(1)
    }, limitMs)
    stop().then(
      () => {
        clearTimeout(limit)
        log.info('Stopped')
        process.exit(0)
      },
      (error) => {
        log.error({ err: error }, 'Could not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (process.env.TASKMASTER_PARENT) {
    process.stdin.on('end', () => onSignal('parent gone'))
    process.stdin.resume()
  }
  process.on('unhandledRejection', (error) => {
    log.error({ err: error }, 'Unhandled rejection')
  })
}
