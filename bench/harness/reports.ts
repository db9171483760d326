import { join } from 'node:path'
import { onEnd } from '../cleanup.ts'
import { temporaryFolder } from '../cluster.ts'

export interface Reports {
  /** Where the worker's threads report: HARNESS_REPORTS. */
  readonly socket: string
}

/**
 * Hears from the worker's threads when tasks started and ended: lines of JSON, each an array that has, for every task,
 * ms from its request to its start and ms from its request to its end. What a task reports through TaskMaster itself
 * would be work that the tasks of other adapters, which run in the adapter's own process, do not have.
 */
export async function listenForReports(
  onTask: (startedMs: number, endedMs: number) => void,
): Promise<Reports> {
  const folder = await temporaryFolder('harness')
  const path = join(folder.path, 'reports')
  const server = Bun.listen<{ decoder: TextDecoder; rest: string }>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = { decoder: new TextDecoder(), rest: '' }
      },
      data({ data: state }, chunk) {
        const lines = (state.rest + state.decoder.decode(chunk, { stream: true })).split('\n')
        state.rest = lines.pop() ?? ''
        for (const line of lines) {
          const times = JSON.parse(line) as number[]
          for (let at = 0; at + 1 < times.length; at += 2) onTask(times[at]!, times[at + 1]!)
        }
      },
    },
  })
  onEnd(async () => server.stop(true))
  return { socket: path }
}
