import type { Config } from './config.ts'
import { takeFolder } from './folder.ts'
import { isAtLeast } from './log-line.ts'
import { requireFree } from './ports.ts'
import { createSystem, type Entrances } from './system.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** What a launcher that was killed had started may need this long to notice and to let go of its ports. */
const PATIENCE_MS = 15_000

/**
 * Runs the whole system until `stop` aborts, then takes it down so that nothing is lost. When `hurry` aborts
 * too, running tasks are not waited for.
 *
 * @throws AppError that says what to do when it cannot be started
 */
export async function launch(config: Config, stop: AbortSignal, hurry: AbortSignal): Promise<void> {
  const terminal = createTerminal(shownLevel(config))
  const lock = await takeFolder(config.folder)
  try {
    const patienceMs = lock.wasAbandoned ? PATIENCE_MS : 0
    await requireFree(config.scheduler, 'bun run up --scheduler', patienceMs)
    await requireFree(config.coordinator, 'bun run up --coordinator', patienceMs)
    await runSystem(config, terminal, stop, hurry)
  } finally {
    lock.release()
  }
}

async function runSystem(config: Config, terminal: Terminal, stop: AbortSignal, hurry: AbortSignal) {
  const system = createSystem(config, terminal)
  hurry.addEventListener('abort', system.hurry)
  try {
    const starting = system.start()
    starting.catch(() => {})
    const entrances = await Promise.race([starting, aborted(stop)])
    if (entrances) {
      terminal.say(welcome(config, entrances))
      await aborted(stop)
    }
  } finally {
    await system.stop()
    terminal.step('Stopped')
  }
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    else signal.addEventListener('abort', () => resolve(null), { once: true })
  })
}

/** Warnings and worse, unless all is wanted or even less. */
function shownLevel({ verbose, logLevel }: Config): string {
  if (verbose) return 'trace'
  return isAtLeast({ level: logLevel, msg: '' }, 'warn') ? logLevel : 'warn'
}

function welcome({ folder }: Config, { url, grpc }: Entrances): string {
  return `
TaskMaster is running.

  Dashboard and REST  ${url}
  gRPC                ${grpc}
  Data and logs       ${folder}

  Try it: bun run taskmaster submit --cmd hello --wait${url.endsWith(':8081') ? '' : ` --server ${url}`}

Press Ctrl-C to stop it all; nothing is lost.
`
}
