import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import type { Api } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printErrorLine, printJson } from './command.ts'

interface ActionOptions extends CommonOptions {
  state?: string
  worker?: string
  query?: string
  priority?: string
  all?: true
  dryRun?: true
  bound?: string
}

interface Done {
  task_id: string
  status: string
}

interface Action {
  name: 'cancel' | 'retry' | 'run-now' | 'discard'
  alias?: string
  description: string
  states: string
  /** After a number of tasks. */
  past: string
  examples: string[]
}

const ACTIONS: Action[] = [
  {
    name: 'cancel',
    description: 'cancel tasks: those that wait at once, those that run as soon as they have stopped',
    states: 'pending, retrying, assigned or running',
    past: 'cancelled, or told to stop',
    examples: ['cancel 0190b5a2-7c3e-7000-8000-000000000000', 'cancel --state running --worker worker-2'],
  },
  {
    name: 'retry',
    description: 'run failed and cancelled tasks again, with all their retries',
    states: 'failed or cancelled',
    past: 'scheduled again',
    examples: ['retry 0190b5a2-7c3e-7000-8000-000000000000', 'retry --state failed --query report'],
  },
  {
    name: 'run-now',
    description: 'run waiting tasks now, whatever their time',
    states: 'pending or retrying',
    past: 'due now',
    examples: ['run-now 0190b5a2-7c3e-7000-8000-000000000000', 'run-now --state retrying'],
  },
  {
    name: 'discard',
    alias: 'delete',
    description: 'delete tasks that have ended, and their history',
    states: 'completed, failed or cancelled',
    past: 'discarded',
    examples: ['discard 0190b5a2-7c3e-7000-8000-000000000000', 'delete --state completed --query report'],
  },
]

/** `cancel`, `retry`, `run-now` and `discard`: each for the tasks named, or for all that match. */
export const actionCommands = (): Command[] => ACTIONS.map(actionCommand)

function actionCommand(action: Action): Command {
  const { name, alias, description, states, examples } = action
  const lines = examples.map((example) => `  $ bun run taskmaster ${example}`).join('\n')
  const command = new Command(name)
    .description(description)
    .argument('[ids...]', 'the ids that submit printed')
    .option('--state <state>', `all that are ${states}`)
    .option('--worker <worker>', 'all of this worker')
    .option('--query <text>', 'all with this in their command or name')
    .option('--priority <priority>', 'all of this priority: HIGH, 2, ">=HIGH", "<1"')
    .option('--all', 'all to which it applies')
    .option('--dry-run', 'only count them, and print a bound that confines the same command to these')
    .option('--bound <bound>', 'do it to those alone that --dry-run counted')
    .addHelpText('after', `\nExamples:\n${lines}`)
  if (alias) command.alias(alias)
  return finishRemoteCommand<[string[]], ActionOptions>(command, async (api, options, ids) => {
    const { state, worker, query: q, priority, all } = options
    const { dryRun, bound } = options
    const hasFilter = [state, worker, q, priority, all].some((given) => given !== undefined)
    if (ids.length > 0 && (hasFilter || bound !== undefined))
      throw new AppError('invalid', 'give ids or conditions, not both')
    if (ids.length === 0 && !hasFilter) {
      throw new AppError('invalid', 'give ids, --state, --worker, --query, --priority or --all')
    }
    if (dryRun)
      return await preview(
        api,
        action,
        ids.length > 0 ? { ids } : { state, worker, q, priority, all },
        options,
      )
    if (ids.length > 0) return await actOnEach(api, action, ids, options)
    const count = await actOnMatching(api, action, { state, worker, q, priority, all, bound })
    if (options.json) printJson({ count })
    else print(`${count} ${count === 1 ? 'task' : 'tasks'} ${action.past}`)
  })
}

interface Preview {
  count: number
  is_all: boolean
  bound: string
}

async function preview(
  api: Api,
  { name, past }: Action,
  filter: object,
  { json }: ActionOptions,
): Promise<void> {
  const counted = await api.post<Preview>(`/api/tasks/${name}/preview`, filter)
  if (json) return printJson(counted)
  const { count, is_all, bound } = counted
  print(
    `${count} ${count === 1 ? 'task' : 'tasks'} would be ${past}${is_all ? '' : '; older ones were not looked at'}`,
  )
  if (count > 0) print(`For these and no others: --bound ${bound}`)
}

/** Each by itself, so that of each is said what became of it; exit code 1 when one was refused. */
async function actOnEach(api: Api, { name }: Action, ids: string[], { json }: ActionOptions): Promise<void> {
  const results: (Done | { task_id: string; error: string; code: string })[] = []
  for (const id of ids) {
    try {
      const done = await api.post<Done>(`/api/tasks/${encodeURIComponent(id)}/${name}`, {})
      results.push(done)
      if (!json) print(`${done.task_id}  ${done.status}`)
    } catch (error) {
      if (!(error instanceof AppError) || ids.length === 1 || error.code === 'unavailable') throw error
      results.push({ task_id: id, error: error.message, code: error.code })
      if (!json) printErrorLine(`${id}  Error: ${error.message}`)
      process.exitCode = 1
    }
  }
  if (json) printJson(results.length === 1 ? results[0] : results)
}

async function actOnMatching(api: Api, { name }: Action, filter: object): Promise<number> {
  let total = 0
  let cursor: string | null = null
  do {
    const body: object = { ...filter, ...(cursor !== null && { cursor }) }
    const done: { count: number; next_cursor: string | null } = await api.post(`/api/tasks/${name}`, body)
    total += done.count
    cursor = done.next_cursor
  } while (cursor !== null)
  return total
}
