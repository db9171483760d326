import { Command } from 'commander'
import type { TaskView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson } from './command.ts'
import { formatSeconds } from './duration.ts'
import { priorityName } from './priority.ts'
import { renderPairs } from './table.ts'
import { formatTime } from './times.ts'

export function statusCommand(): Command {
  const command = new Command('status')
    .description('show one task')
    .argument('<id>', 'the id that submit printed')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster status 0190b5a2-7c3e-7000-8000-000000000000')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, id) => {
    const task = await api.get<TaskView>('/api/status', { task_id: id })
    if (json) printJson(task)
    else print(describe(task))
  })
}

function describe(task: TaskView): string {
  return renderPairs([
    ['Task ID', task.task_id],
    ['Status', task.state],
    ['Name', task.name],
    ['Description', task.description],
    ['Command', task.command],
    ['Priority', priorityName(task.priority)],
    ['Scheduled', formatTime(task.scheduled_at)],
    ['Picked', formatTime(task.picked_at)],
    ['Started', formatTime(task.started_at)],
    ['Completed', formatTime(task.completed_at)],
    ['Failed', formatTime(task.failed_at)],
    ['Cancelled', formatTime(task.cancelled_at)],
    ['Worker', task.worker],
    ['Attempt', task.attempt],
    ['Duration', formatSeconds(task.duration)],
    ['Error', task.error],
    ['Output', task.output],
  ])
}
