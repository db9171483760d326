import { Command } from 'commander'
import type { WorkerView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson, terminalWidth } from './command.ts'
import { getWithHealth, warn } from './health.ts'
import { renderTable } from './table.ts'
import { formatTime } from './times.ts'

interface WorkersOptions extends CommonOptions {
  all?: true
}

export function workersCommand(): Command {
  const command = new Command('workers')
    .description('list workers')
    .option('--all', 'those that are gone, too')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster workers')
  return finishRemoteCommand<[], WorkersOptions>(command, async (api, { json, all }) => {
    const include = all && 'offline'
    const { answer: workers, warning } = await getWithHealth<WorkerView[]>(api, '/api/workers', { include })
    if (json) printJson(workers)
    else print(workers.length > 0 ? renderWorkers(workers) : 'No workers.')
    warn(warning, json === true)
  })
}

export function renderWorkers(workers: WorkerView[]): string {
  return renderTable(
    [
      { title: 'NAME', value: (worker) => worker.name, isFlexible: true },
      { title: 'ID', value: (worker) => worker.id, align: 'right' },
      { title: 'STATUS', value: (worker) => worker.status },
      { title: 'BUSY', value: (worker) => `${worker.busy_slots}/${worker.slots}`, align: 'right' },
      { title: 'COMPLETED', value: (worker) => worker.tasks_completed, align: 'right' },
      { title: 'LAST SEEN', value: (worker) => formatTime(worker.last_active_at) },
      { title: 'RUNS', value: (worker) => summarize(worker.executors) },
      { title: 'LABELS', value: (worker) => worker.labels.join(', ') },
      { title: 'ADDRESS', value: (worker) => worker.address },
    ],
    workers.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    terminalWidth(),
  )
}

/** Handlers may be many: then only how many there are. */
function summarize(executors: string[]): string {
  const handlers = executors.filter((name) => name.startsWith('function:'))
  if (handlers.length <= 2) return executors.join(', ')
  const others = executors.filter((name) => !handlers.includes(name))
  return [...others, `${handlers.length} functions`].join(', ')
}
