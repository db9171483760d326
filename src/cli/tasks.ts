import { Command, Option } from 'commander'
import type { TaskView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson, terminalWidth } from './command.ts'
import { formatSeconds } from './duration.ts'
import { priorityName } from './priority.ts'
import { renderTable } from './table.ts'
import { formatTime } from './times.ts'

interface TasksOptions extends CommonOptions {
  limit: string
  state?: string
  worker?: string
  query?: string
  priority?: string
  sort?: string
}

const EXAMPLES = `
Examples:
  $ bun run taskmaster tasks --limit 50
  $ bun run taskmaster tasks --state failed --json
  $ bun run taskmaster tasks --priority ">=HIGH" --sort -priority`

export function tasksCommand(): Command {
  const command = new Command('tasks')
    .description('list tasks, the latest scheduled first')
    .option('--limit <count>', 'how many', '20')
    .option('--state <state>', 'pending, retrying, assigned, running, completed, failed or cancelled')
    .option('--worker <worker>', 'of this worker')
    .option('--query <text>', 'with this in its command or name')
    .option('--priority <priority>', 'of this priority: HIGH, 2, ">=HIGH", "<1"')
    .addOption(sortOption())
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[], TasksOptions>(
    command,
    async (api, { json, limit, state, worker, query: q, priority, sort }) => {
      const tasks = await api.get<TaskView[]>('/api/tasks', { limit, state, worker, q, priority, sort })
      if (json) printJson(tasks)
      else print(tasks.length > 0 ? render(tasks) : 'No tasks.')
    },
  )
}

/** In which order tasks are listed. */
export const sortOption = () =>
  new Option('--sort <order>', 'by time or priority, with - the greatest first').choices([
    ...['-scheduled', 'scheduled', '-priority', 'priority'],
  ])

const DEAD_EXAMPLES = `
Examples:
  $ bun run taskmaster dead-letters
  $ bun run taskmaster retry --state failed --query report
  $ bun run taskmaster discard --state failed`

export function deadLettersCommand(): Command {
  const command = new Command('dead-letters')
    .description('list the tasks that failed for good, the latest scheduled first; retry or discard them')
    .option('--limit <count>', 'how many', '20')
    .option('--worker <worker>', 'of this worker')
    .option('--query <text>', 'with this in its command or name')
    .addHelpText('after', DEAD_EXAMPLES)
  return finishRemoteCommand<[], TasksOptions>(command, async (api, { json, limit, worker, query }) => {
    const tasks = await api.get<TaskView[]>('/api/dead-letters', { limit, worker, q: query })
    if (json) printJson(tasks)
    else print(tasks.length > 0 ? renderDead(tasks) : 'No dead letters.')
  })
}

function renderDead(tasks: TaskView[]): string {
  return renderTable(
    [
      { title: 'TASK ID', value: (task) => task.task_id },
      { title: 'FAILED', value: (task) => formatTime(task.failed_at) },
      { title: 'ATTEMPTS', value: (task) => task.attempt, align: 'right' },
      { title: 'COMMAND', value: (task) => task.command },
      { title: 'ERROR', value: (task) => task.error ?? '', isFlexible: true },
    ],
    tasks,
    terminalWidth(),
  )
}

function render(tasks: TaskView[]): string {
  return renderTable(
    [
      { title: 'TASK ID', value: (task) => task.task_id },
      { title: 'STATE', value: (task) => task.state },
      { title: 'PRIORITY', value: (task) => priorityName(task.priority) },
      { title: 'SCHEDULED', value: (task) => formatTime(task.scheduled_at) },
      { title: 'WORKER', value: (task) => task.worker ?? '' },
      { title: 'DURATION', value: (task) => formatSeconds(task.duration), align: 'right' },
      { title: 'COMMAND', value: (task) => task.command, isFlexible: true },
    ],
    tasks,
    terminalWidth(),
  )
}
