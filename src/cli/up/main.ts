import { AppError } from '../../shared/core/error.ts'
import { readConfig } from './config.ts'
import { HELP } from './help.ts'
import { launch } from './launcher.ts'

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP)
  process.exit(0)
}

/** Aborts when we are asked to stop; asked a second time, `hurry` does. */
const stop = new AbortController()
const hurry = new AbortController()
const onSignal = () => (stop.signal.aborted ? hurry : stop).abort()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
if (process.env.TASKMASTER_PARENT) process.stdin.on('end', onSignal).resume()

try {
  await launch(readConfig(process.env, args), stop.signal, hurry.signal)
  process.exit(0)
} catch (error) {
  console.error(error instanceof AppError ? `Error: ${error.message}` : error)
  process.exit(1)
}
