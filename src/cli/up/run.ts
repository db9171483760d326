import { AppError } from '../../shared/core/error.ts'
import { readConfig } from './config.ts'
import { HELP } from './help.ts'
import { launch } from './launcher.ts'

/** Runs the launcher until it is told to stop, then ends the process: 1 when it could not start. */
export async function runUp(args: string[], env: Record<string, string | undefined>): Promise<never> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(HELP)
    process.exit(0)
  }
  // Asked a second time, it hurries.
  const stop = new AbortController()
  const hurry = new AbortController()
  const onSignal = () => (stop.signal.aborted ? hurry : stop).abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  if (env.TASKMASTER_PARENT) process.stdin.on('end', onSignal).resume()

  try {
    await launch(readConfig(env, args), stop.signal, hurry.signal)
    process.exit(0)
  } catch (error) {
    console.error(error instanceof AppError ? `Error: ${error.message}` : error)
    process.exit(1)
  }
}
