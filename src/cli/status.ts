import { Command } from 'commander'
import { DEFAULT_QUEUE } from '../shared/core/lane.ts'
import type { AttemptView, RelativeView, TaskDetailView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson, terminalWidth } from './command.ts'
import { formatSeconds } from './duration.ts'
import { getWithHealth, warn } from './health.ts'
import { priorityName } from './priority.ts'
import { renderPairs, renderTable } from './table.ts'
import { formatTime } from './times.ts'

export function statusCommand(): Command {
  const command = new Command('status')
    .description('show one task and all its attempts')
    .argument('<id>', 'the id that submit printed')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster status 0190b5a2-7c3e-7000-8000-000000000000')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, id) => {
    const { answer: task, warning } = await getWithHealth<TaskDetailView>(api, '/api/status', { task_id: id })
    if (json) printJson(task)
    else print(describe(task) + describeAttempts(task.attempts))
    warn(warning, json === true)
  })
}

function describe(task: TaskDetailView): string {
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
    ['Retries at', formatTime(task.retry_at)],
    ['Told to stop', task.cancelled_at ? '' : formatTime(task.cancel_requested_at)],
    ['Worker', task.worker],
    ['Attempt', task.attempt],
    ['Failures', task.failures > 0 ? `${task.failures} of at most ${task.max_retries + 1}` : ''],
    ['Workers lost', task.losses > 0 ? task.losses : ''],
    ['Timeout', task.timeout_ms === null ? '' : formatSeconds(task.timeout_ms / 1000)],
    ['Queue', task.queue === DEFAULT_QUEUE ? '' : task.queue],
    ['Concurrency key', task.concurrency_key],
    ['Labels', task.labels.join(', ')],
    ['Schedule', task.schedule_id],
    ['Tick', formatTime(task.tick_at)],
    ['Key', task.idempotency_key],
    ['Waits for', describeRelatives(task.depends_on)],
    ['Needed by', describeRelatives(task.dependents, task.dependents_count)],
    ['Duration', formatSeconds(task.duration)],
    ['Progress', task.progress === null ? '' : `${Math.round(task.progress * 100)} %`],
    ['Error', task.error],
    ['Stack', task.error_stack],
    ['Result', task.result === null ? '' : JSON.stringify(task.result)],
    ['Output', task.output],
  ])
}

/** Each by its key or its id, with its state. */
function describeRelatives(relatives: RelativeView[], count = relatives.length): string {
  const named = relatives
    .slice(0, 10)
    .map(({ task_id, key, state }) => `${key ?? task_id} (${state ?? 'deleted'})`)
  const more = count > named.length ? ` and ${count - named.length} more` : ''
  return named.join(', ') + more
}

/** One attempt is what the task itself says. */
function describeAttempts(attempts: AttemptView[]): string {
  if (attempts.length < 2) return ''
  const table = renderTable(
    [
      { title: 'ATTEMPT', value: ({ attempt }) => attempt, align: 'right' },
      {
        title: 'OUTCOME',
        value: ({ outcome, started_at }) => outcome ?? (started_at ? 'running' : 'assigned'),
      },
      { title: 'WORKER', value: ({ worker, worker_id }) => worker ?? `Worker-${worker_id}` },
      { title: 'PICKED', value: ({ picked_at }) => formatTime(picked_at) },
      { title: 'STARTED', value: ({ started_at }) => formatTime(started_at) },
      { title: 'ENDED', value: ({ ended_at }) => formatTime(ended_at) },
      { title: 'ERROR', value: ({ error }) => error ?? '', isFlexible: true },
    ],
    attempts,
    terminalWidth(),
  )
  return `\n\n${table}`
}
