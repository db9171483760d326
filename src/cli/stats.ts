import { Command } from 'commander'
import type { StatsView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson } from './command.ts'
import { getWithHealth, warn } from './health.ts'
import { renderPairs } from './table.ts'
import { renderWorkers } from './workers.ts'

export function statsCommand(): Command {
  const command = new Command('stats')
    .description('show how many tasks are in which state, and the workers')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster stats')
  return finishRemoteCommand<[], CommonOptions>(command, async (api, { json }) => {
    const { answer: stats, warning } = await getWithHealth<StatsView>(api, '/api/stats')
    if (json) printJson(stats)
    else print(render(stats))
    warn(warning, json === true)
  })
}

function render(stats: StatsView): string {
  const figures = renderPairs([
    ['Tasks', stats.total_tasks],
    ['Pending', stats.pending_tasks],
    ['Assigned', stats.assigned_tasks],
    ['Running', stats.running_tasks],
    ['Completed', stats.completed_tasks],
    ['Failed', stats.failed_tasks],
    ['Cancelled', stats.cancelled_tasks],
    ['Queued', stats.queue_depth],
    ['Completed per second', stats.throughput_per_second],
  ])
  return stats.workers.length > 0
    ? `${figures}\n\n${renderWorkers(stats.workers)}`
    : `${figures}\n\nNo workers.`
}
