import type { Log } from '../../shared/log.ts'
import type { Listed } from './lister.ts'

/** ms that the handlers may take to load. */
const LIMIT_MS = 30_000

/** What a worker says that it runs: `function:<name>` for each handler. Exits the process when one does not load. */
export async function listHandlersOrExit(place: string | null, log: Log): Promise<string[]> {
  const listed: Listed = place
    ? await listHandlers(place)
    : { error: 'WORKER_EXECUTORS names function, and TASK_HANDLERS does not say where the handlers are' }
  if ('names' in listed) return listed.names.map((name) => `function:${name}`)
  log.fatal({ handlers: place }, `Could not load the handlers: ${listed.error}`)
  process.exit(1)
}

export function listHandlers(place: string): Promise<Listed> {
  const { promise, resolve } = Promise.withResolvers<Listed>()
  const thread = new Worker(new URL('./lister.ts', import.meta.url).href, { smol: true })
  const timer = setTimeout(resolve, LIMIT_MS, { error: `${place}: it did not load in ${LIMIT_MS} ms` })
  thread.onmessage = ({ data }: MessageEvent<Listed>) => resolve(data)
  thread.onerror = (event) => resolve({ error: `${place}: ${event.message}` })
  thread.postMessage(place)
  return promise.finally(() => {
    clearTimeout(timer)
    thread.terminate()
  })
}
