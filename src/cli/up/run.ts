import { AppError } from '../../shared/core/error.ts'
import { terminalLine, terminalText } from '../../shared/core/terminal.ts'
import { hideEnvironment } from '../../shared/environment.ts'
import { readConfig } from './config.ts'
import { HELP } from './help.ts'
import { launch } from './launcher.ts'
import { watchRunners } from './runners.ts'

/** One Ctrl-C arrives several times when npx and `bun run` pass it on besides the terminal. */
const SAME_ASKING_MS = 1000

/** Runs the launcher until it is told to stop (told twice, it hurries), then ends the process: 1 when it could not start. */
export async function runUp(args: string[], env: Record<string, string | undefined>): Promise<never> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(HELP)
    process.exit(0)
  }
  hideEnvironment()
  const stop = new AbortController()
  const hurry = new AbortController()
  let askedAt = 0
  const onSignal = () => {
    if (!stop.signal.aborted) {
      askedAt = performance.now()
      stop.abort()
    } else if (performance.now() - askedAt > SAME_ASKING_MS) {
      hurry.abort()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  watchRunners((command) => {
    // Once all is being stopped, the rest of the line may go before us.
    if (stop.signal.aborted) return
    console.log(`What ran this has ended (${terminalLine(command)}); stopping too`)
    askedAt = performance.now()
    stop.abort()
  })
  if (env.TASKMASTER_PARENT) process.stdin.on('end', onSignal).resume()

  try {
    await launch(readConfig(env, args), stop.signal, hurry.signal)
    process.exit(0)
  } catch (error) {
    console.error(error instanceof AppError ? `Error: ${terminalText(error.message)}` : error)
    process.exit(1)
  }
}
